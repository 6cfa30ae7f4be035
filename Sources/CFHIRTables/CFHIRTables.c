#include "CFHIRTables.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const uint8_t stu3[] = {
#embed "stu3.table"
};

static const uint8_t r4[] = {
#embed "r4.table"
};

static const uint8_t r4b[] = {
#embed "r4b.table"
};

static const uint8_t r5[] = {
#embed "r5.table"
};

const uint8_t *fhir_stu3_table(void) { return stu3; }
size_t fhir_stu3_table_size(void) { return sizeof stu3; }

const uint8_t *fhir_r4_table(void) { return r4; }
size_t fhir_r4_table_size(void) { return sizeof r4; }

const uint8_t *fhir_r4b_table(void) { return r4b; }
size_t fhir_r4b_table_size(void) { return sizeof r4b; }

const uint8_t *fhir_r5_table(void) { return r5; }
size_t fhir_r5_table_size(void) { return sizeof r5; }
