// swift-tools-version: 6.2
import PackageDescription

// The floors of the house, from the ground up. A target may import only what it names here, and only from
// lower floors; see ARCHITECTURE.md.

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

let nio: [Target.Dependency] = [
  .product(name: "NIOCore", package: "swift-nio"),
  .product(name: "NIOPosix", package: "swift-nio"),
  .product(name: "NIOHTTP1", package: "swift-nio"),
]

let secureNIO: [Target.Dependency] = [
  .product(name: "NIOHTTP2", package: "swift-nio-http2"),
  .product(name: "NIOHPACK", package: "swift-nio-http2"),
  .product(name: "NIOSSL", package: "swift-nio-ssl"),
  .product(name: "NIOTLS", package: "swift-nio"),
]

let package = Package(
  name: "aceso",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "aceso", targets: ["aceso"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    .package(url: "https://github.com/apple/swift-nio-http2", from: "1.40.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
  ],
  targets: [
    // 1 · ground: values, and the system libraries
    library("Base"),
    .systemLibrary(name: "CMalloc"),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CPostgreSQL", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CTLS", pkgConfig: "libssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CRdKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CXML2", pkgConfig: "libxml-2.0", providers: [.apt(["libxml2-dev"])]),
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CFHIRTables", exclude: ["r4.table", "r4b.table", "r5.table", "stu3.table"]),
    .target(
      name: "CImageCodecs",
      linkerSettings: ["jpeg", "png", "charls", "openjp2", "openjph", "z"].map { .linkedLibrary($0) }),
    .target(name: "CUCUMTable", exclude: ["ucum.table"]),
    .target(
      name: "CDeviceMappings",
      exclude: [
        "health.device.json", "health.fhir.json", "openmhealth.device.json", "openmhealth.fhir.json",
        "vitals.device.json", "vitals.fhir.json",
      ]),
    .target(name: "CDICOMTables", exclude: ["characters.table", "elements.table", "private.table", "uids.table"]),
    // 2 · JSON
    library("JSONCore"),
    // 3 · the standard's tables; the storage contract and its engines
    library("FHIRModel", ["Base", "JSONCore", "CFHIRTables"]),
    library("UCUM", ["CUCUMTable"]),
    library("DICOMCore", ["Base", "CDICOMTables", "CZlib", "JSONCore"]),
    library("ImageCodecs", ["CImageCodecs", "DICOMCore"]),
    library("Storage", ["Base"]),
    library("StorageSQLite", ["Base", "Storage", "CSQLite"]),
    library("StoragePostgreSQL", ["Base", "Storage", "CPostgreSQL"]),
    library("BlobStore", ["Base"]),
    // 4 · languages and protocols as values
    library("FHIRPath", ["Base", "JSONCore", "FHIRModel"]),
    library("FHIRXML", ["Base", "CXML2", "FHIRModel", "JSONCore"]),
    library("HTTPServer", ["Base"] + nio + secureNIO),
    library("Identity", ["Base", "COpenSSL", "JSONCore"]),
    library("DICOMweb", ["Base", "DICOMCore", "JSONCore"]),
    library("JSONQuery", ["Base", "JSONCore"]),
    // 5 · search: grammar, plan, value extraction; synthetic patients; what a server is told to be
    library("Issuer", ["Base", "HTTPServer", "Identity", "JSONCore", "Storage"]),
    library("FHIRSearch", ["Base", "JSONCore", "FHIRModel", "FHIRPath", "UCUM"]),
    library("FHIRPatch", ["Base", "FHIRModel", "FHIRPath", "JSONCore"]),
    library("Synthesis", ["Base", "JSONCore"]),
    library("DICOMSynthesis", ["Base", "DICOMCore", "JSONCore", "Synthesis"]),
    library("DeviceMapping", ["Base", "JSONCore", "JSONQuery"]),
    library("Workspace", ["Base", "CYAML", "JSONCore"]),
    // 6 · what is stored and how it is found
    library("FHIRStore", ["Base", "JSONCore", "FHIRModel", "FHIRSearch", "Storage", "CZstd"]),
    library("DICOMStore", ["Base", "BlobStore", "CZstd", "DICOMCore", "DICOMweb", "JSONCore", "Storage"]),
    library("DeviceStore", ["Base", "CZstd", "FHIRStore", "Storage"]),
    // 7 · interactions
    library(
      "FHIRService",
      ["Base", "JSONCore", "FHIRModel", "FHIRPatch", "FHIRPath", "FHIRSearch", "FHIRStore", "Identity"]),
    library(
      "DICOMService",
      ["Base", "BlobStore", "DICOMCore", "DICOMStore", "DICOMweb", "Identity", "ImageCodecs", "JSONCore"]),
    library(
      "DeviceService",
      [
        "Base", "CDeviceMappings", "DeviceMapping", "DeviceStore", "FHIRModel", "FHIRService", "FHIRStore", "JSONCore",
      ]),
    // Where messages come from, besides requests
    library("DeviceKafka", ["Base", "CRdKafka", "DeviceService", "DeviceStore", "JSONCore"]),
    library(
      "DeviceMQTT",
      [
        "Base", "DeviceService", "DeviceStore", "JSONCore", .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ]),
    // 8 · the services on the wire
    library(
      "Server",
      [
        "Base", "BlobStore", "CTLS", "DICOMService", "DICOMweb", "DeviceService", "DeviceStore", "JSONCore",
        "FHIRModel",
        "FHIRSearch", "FHIRService", "FHIRStore", "FHIRXML", "HTTPServer", "Identity", "Issuer", "Workspace",
      ]),
    // 9 · commands
    program(
      "aceso",
      [
        "Base", "BlobStore", "CMalloc", "DICOMCore", "DICOMService", "DICOMStore", "DICOMSynthesis", "DICOMweb",
        "DeviceKafka", "DeviceMQTT", "DeviceMapping", "DeviceService", "DeviceStore", "JSONCore", "FHIRModel",
        "FHIRSearch", "FHIRService", "FHIRStore", "HTTPServer", "Identity", "Issuer", "Server", "Storage",
        "StoragePostgreSQL", "StorageSQLite", "Synthesis", "Workspace",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    // beside the house
    program("generate-tables", ["JSONCore", "TableGeneration"]),
    library("TableGeneration", ["JSONCore"]),
    program(
      "bench",
      ["Base", "CSQLite", "DICOMCore", "DICOMSynthesis", "FHIRModel", "HTTPServer", "JSONCore", "Synthesis"] + nio
    ),

    // What tests share: data sets, folders, seeds, a disk that fails
    .target(
      name: "TestSupport", dependencies: ["JSONCore"], path: "Tests/TestSupport", swiftSettings: settings),
    .target(
      name: "TestStores",
      dependencies: [
        "CPostgreSQL", "CSQLite", "PostgreSQLServer", "Storage", "StoragePostgreSQL", "StorageSQLite",
      ], path: "Tests/TestStores", swiftSettings: settings),
    .target(
      name: "FaultDisk", dependencies: ["CFaultVFS", "CSQLite", "Storage", "StorageSQLite"], path: "Tests/FaultDisk",
      swiftSettings: settings),
    tests("BaseTests", ["Base"]),
    tests("JSONCoreTests", ["JSONCore"]),
    tests("FHIRModelTests", ["Base", "FHIRModel", "JSONCore", "TableGeneration", "TestSupport"]),
    tests("DICOMCoreTests", ["CDICOMTables", "DICOMCore", "JSONCore", "TableGeneration", "TestSupport"]),
    tests("ImageCodecsTests", ["CImageCodecs", "DICOMCore", "ImageCodecs", "JSONCore", "TestSupport"]),
    tests("BlobStoreTests", ["Base", "BlobStore", "TestSupport"]),
    tests("DICOMwebTests", ["Base", "DICOMCore", "DICOMweb", "JSONCore", "TestSupport"]),
    tests("DICOMSynthesisTests", ["Base", "DICOMCore", "DICOMSynthesis", "ImageCodecs", "Synthesis", "TestSupport"]),
    tests(
      "DICOMStoreTests",
      [
        "Base", "BlobStore", "DICOMCore", "DICOMStore", "DICOMSynthesis", "DICOMweb", "FaultDisk", "JSONCore",
        "Storage", "StorageSQLite", "TestStores", "TestSupport",
      ]),
    tests(
      "DICOMServiceTests",
      [
        "Base", "BlobStore", "DICOMCore", "DICOMService", "DICOMStore", "DICOMSynthesis", "DICOMweb", "ImageCodecs",
        "JSONCore", "Storage", "TestStores", "TestSupport",
      ]),
    tests("JSONQueryTests", ["Base", "JSONCore", "JSONQuery", "TestSupport"]),
    tests("DeviceMappingTests", ["Base", "DeviceMapping", "JSONCore", "JSONQuery", "TestSupport"]),
    tests(
      "DeviceServiceTests",
      [
        "Base", "DeviceMapping", "DeviceService", "DeviceStore", "FHIRModel", "FHIRSearch", "FHIRService", "FHIRStore",
        "HTTPServer", "JSONCore", "Server", "Storage", "TestStores", "TestSupport", "Workspace",
      ]),
    tests(
      "DeviceKafkaTests",
      [
        "Base", "CRdKafka", "DeviceKafka", "DeviceService", "DeviceStore", "FHIRModel", "FHIRService", "FHIRStore",
        "Storage", "TestStores",
      ]),
    tests("DeviceMQTTTests", ["DeviceMQTT", "DeviceStore"] + nio),
    tests("IdentityTests", ["Base", "COpenSSL", "Identity", "JSONCore", "TestSupport"]),
    tests("WorkspaceTests", ["Base", "JSONCore", "TestSupport", "Workspace"]),
    tests(
      "IssuerTests",
      ["Base", "HTTPServer", "Identity", "Issuer", "JSONCore", "Storage", "TestStores", "TestSupport"]),
    tests("AcesoTests", ["aceso", "DICOMCore", "TestSupport"]),
    tests("UCUMTests", ["JSONCore", "TableGeneration", "TestSupport", "UCUM"]),
    tests("FHIRPathTests", ["Base", "FHIRModel", "FHIRPath", "JSONCore", "TestSupport"]),
    .target(name: "CFaultVFS", dependencies: ["CSQLite"], path: "Tests/CFaultVFS"),
    tests("StorageTests", ["Base", "CFaultVFS", "CSQLite", "FaultDisk", "Storage", "StorageSQLite", "TestSupport"]),
    .target(name: "PostgreSQLServer", path: "Tests/PostgreSQLServer", swiftSettings: settings),
    tests("StoragePostgreSQLTests", ["Base", "PostgreSQLServer", "Storage", "StoragePostgreSQL", "TestSupport"]),
    // Two nodes on one database.
    tests(
      "ClusterTests",
      [
        "Base", "BlobStore", "FHIRModel", "FHIRSearch", "FHIRService", "FHIRStore", "JSONCore", "PostgreSQLServer",
        "Storage", "StoragePostgreSQL",
      ]),
    tests("FHIRXMLTests", ["Base", "FHIRModel", "FHIRXML", "JSONCore"]),
    tests("FHIRPatchTests", ["Base", "FHIRModel", "FHIRPatch", "JSONCore"]),
    tests("HTTPServerTests", ["Base", "HTTPServer"] + nio + secureNIO),
    tests("FHIRSearchTests", ["Base", "FHIRModel", "FHIRPath", "FHIRSearch", "JSONCore", "TestSupport"]),
    tests("SynthesisTests", ["Base", "FHIRModel", "JSONCore", "Synthesis"]),
    tests(
      "FHIRStoreTests",
      [
        "Base", "CFaultVFS", "CZstd", "FaultDisk", "FHIRModel", "FHIRSearch", "FHIRStore", "JSONCore", "Storage",
        "StorageSQLite", "Synthesis", "TestStores", "TestSupport",
      ]),
    tests(
      "FHIRServiceTests",
      [
        "Base", "FHIRModel", "FHIRSearch", "FHIRService", "FHIRStore", "JSONCore", "Storage", "Synthesis",
        "TestStores", "TestSupport",
      ]),
    tests(
      "SearchOracleTests",
      [
        "Base", "FHIRModel", "FHIRPath", "FHIRSearch", "FHIRService", "FHIRStore", "JSONCore", "Synthesis",
        "TestStores", "TestSupport",
      ]),
    tests(
      "ServerTests",
      [
        "Base", "BlobStore", "CXML2", "DICOMCore", "DICOMService", "DICOMStore", "DICOMSynthesis", "DICOMweb",
        "FHIRModel",
        "FHIRSearch", "FHIRService", "FHIRStore", "FHIRXML", "HTTPServer", "Identity", "JSONCore", "Server", "Storage",
        "Synthesis", "TestStores", "Workspace",
      ]),
  ],
  cxxLanguageStandard: .cxx17
)
