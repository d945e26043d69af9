// The time.
#ifndef CLOCK_H
#define CLOCK_H

// Of a clock that nobody sets, and that stands still while the machine sleeps.
long now_ms(void);

#endif
