#ifndef CFHIRTABLES_H
#define CFHIRTABLES_H

#include <stddef.h>
#include <stdint.h>

// The definitions of one FHIR release each, as text; see docs/internals/tables.md.
// The bytes are constant and live as long as the process.

const uint8_t *fhir_stu3_table(void);
size_t fhir_stu3_table_size(void);

const uint8_t *fhir_r4_table(void);
size_t fhir_r4_table_size(void);

const uint8_t *fhir_r4b_table(void);
size_t fhir_r4b_table_size(void);

const uint8_t *fhir_r5_table(void);
size_t fhir_r5_table_size(void);

#endif
