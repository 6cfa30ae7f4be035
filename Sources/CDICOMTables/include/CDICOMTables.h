#ifndef CDICOMTABLES_H
#define CDICOMTABLES_H

#include <stddef.h>
#include <stdint.h>

// DICOM's data elements, unique identifiers, private data elements and graphic character sets, as text; see
// docs/internals/dicom.md. The bytes are constant and live as long as the process.

const uint8_t *dicom_elements_table(void);
size_t dicom_elements_table_size(void);

const uint8_t *dicom_uids_table(void);
size_t dicom_uids_table_size(void);

const uint8_t *dicom_private_table(void);
size_t dicom_private_table_size(void);

const uint8_t *dicom_characters_table(void);
size_t dicom_characters_table_size(void);

#endif
