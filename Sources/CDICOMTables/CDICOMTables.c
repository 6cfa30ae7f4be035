#include "CDICOMTables.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const uint8_t elements[] = {
#embed "elements.table"
};

static const uint8_t uids[] = {
#embed "uids.table"
};

static const uint8_t private_elements[] = {
#embed "private.table"
};

static const uint8_t characters[] = {
#embed "characters.table"
};

const uint8_t *dicom_elements_table(void) { return elements; }
size_t dicom_elements_table_size(void) { return sizeof elements; }

const uint8_t *dicom_uids_table(void) { return uids; }
size_t dicom_uids_table_size(void) { return sizeof uids; }

const uint8_t *dicom_private_table(void) { return private_elements; }
size_t dicom_private_table_size(void) { return sizeof private_elements; }

const uint8_t *dicom_characters_table(void) { return characters; }
size_t dicom_characters_table_size(void) { return sizeof characters; }
