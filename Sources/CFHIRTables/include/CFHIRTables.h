#ifndef CFHIRTABLES_H
#define CFHIRTABLES_H

#include <stddef.h>
#include <stdint.h>

// The definitions of one FHIR release each, as text; see docs/internals/tables.md.
// The bytes are constant and live as long as the process.

const uint8_t *fhir_r4_table(void);
size_t fhir_r4_table_size(void);

#endif
