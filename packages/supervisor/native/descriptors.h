#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

// Closes every descriptor of this process from the one to the other, both included.
void close_range_of(int first, int last);

#endif
