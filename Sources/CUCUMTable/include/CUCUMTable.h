#ifndef CUCUMTABLE_H
#define CUCUMTABLE_H

#include <stddef.h>
#include <stdint.h>

// The units of The Unified Code for Units of Measure, as text; see ucum.table for its notice, and UnitTableGenerator
// for the format. The bytes are constant and live as long as the process.

const uint8_t *ucum_table(void);
size_t ucum_table_size(void);

#endif
