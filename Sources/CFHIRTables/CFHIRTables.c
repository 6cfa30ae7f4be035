#include "CFHIRTables.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const uint8_t r4[] = {
#embed "r4.table"
};

const uint8_t *fhir_r4_table(void) { return r4; }
size_t fhir_r4_table_size(void) { return sizeof r4; }
