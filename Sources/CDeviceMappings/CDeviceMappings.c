#include "CDeviceMappings.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const uint8_t vitals_device[] = {
#embed "vitals.device.json"
};
static const uint8_t vitals_fhir[] = {
#embed "vitals.fhir.json"
};
static const uint8_t openmhealth_device[] = {
#embed "openmhealth.device.json"
};
static const uint8_t openmhealth_fhir[] = {
#embed "openmhealth.fhir.json"
};
static const uint8_t health_device[] = {
#embed "health.device.json"
};
static const uint8_t health_fhir[] = {
#embed "health.fhir.json"
};

static const struct device_mapping mappings[] = {
  {"vitals", vitals_device, sizeof vitals_device, vitals_fhir, sizeof vitals_fhir},
  {"openmhealth", openmhealth_device, sizeof openmhealth_device, openmhealth_fhir, sizeof openmhealth_fhir},
  {"health", health_device, sizeof health_device, health_fhir, sizeof health_fhir},
};

const struct device_mapping *device_mappings(void) { return mappings; }
size_t device_mappings_count(void) { return sizeof mappings / sizeof mappings[0]; }
