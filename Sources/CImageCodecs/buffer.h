#ifndef ACESO_BUFFER_H
#define ACESO_BUFFER_H

#include "CImageCodecs.h"

#ifdef __cplusplus
extern "C" {
#endif

// Makes room for `more` bytes; 0 if there is none.
int ic_buffer_reserve(ic_buffer *buffer, size_t more);
int ic_buffer_append(ic_buffer *buffer, const void *bytes, size_t count);

#ifdef __cplusplus
}
#endif

#endif
