#include "CUCUMTable.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const uint8_t ucum[] = {
#embed "ucum.table"
};

const uint8_t *ucum_table(void) { return ucum; }
size_t ucum_table_size(void) { return sizeof ucum; }
