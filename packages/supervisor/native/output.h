// Output: from programs and connections to the client, as far as its windows allow.
#ifndef OUTPUT_H
#define OUTPUT_H

#include "channel.h"

enum pumped { PUMPED_EMPTY, PUMPED_ENDED, PUMPED_NO_WINDOW, PUMPED_NO_ROOM };

// Sends what is there, and watches for more where more may be sent.
enum pumped pump_and_watch(struct channel *channel, int index);
void output_ready(struct source *source, uint32_t events);
// The verdict comes after what the process has written, as far as the window allows.
void send_exit(struct channel *channel);

// False when the client has broken a rule.
bool channel_credit(struct channel *channel, uint8_t stream, uint32_t bytes);
void channel_close_output(struct channel *channel, int index);
// Goes on with those that had no room, now that there is some.
void channels_feed(struct channels *channels);

#endif
