#ifndef CDEVICEMAPPINGS_H
#define CDEVICEMAPPINGS_H

#include <stddef.h>
#include <stdint.h>

// Mappings that come with the project, as JSON; see docs/devices.md for what each takes. The bytes are constant and live
// as long as the process.

struct device_mapping {
  const char *name;
  const uint8_t *device;
  size_t device_size;
  const uint8_t *fhir;
  size_t fhir_size;
};

const struct device_mapping *device_mappings(void);
size_t device_mappings_count(void);

#endif
