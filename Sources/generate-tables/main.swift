import FoundationEssentials
import TableGeneration

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

// generate-tables FOLDER FILE: reads the official package of a FHIR release in FOLDER, writes its table to FILE.
// See docs/internals/tables.md.
// generate-tables ucum ESSENCE FILE: reads ucum-essence.xml, writes the table of units to FILE.
// generate-tables dicom FOLDER TABLES: reads pydicom's dictionaries and licence in FOLDER, writes DICOM's tables and,
// from the C library's converters, that of its character sets into the folder TABLES. See docs/internals/dicom.md.

let arguments = CommandLine.arguments
if arguments.count == 4, arguments[1] == "ucum" {
  let essence = String(decoding: try Data(contentsOf: URL(fileURLWithPath: arguments[2])), as: UTF8.self)
  let table = try UnitTableGenerator(essence: essence).table()
  try Data(table.utf8).write(to: URL(fileURLWithPath: arguments[3]), options: .atomic)
  print("\(arguments[3]): \(table.utf8.count) bytes")
  exit(0)
}
if arguments.count == 4, arguments[1] == "dicom" {
  for (file, table) in try DICOMTableGenerator.tables(folder: arguments[2]) {
    try Data(table.utf8).write(to: URL(fileURLWithPath: arguments[3] + "/" + file), options: .atomic)
    print("\(file): \(table.utf8.count) bytes")
  }
  exit(0)
}
guard arguments.count == 3 else {
  print("usage: generate-tables <folder of a FHIR release's package> <table to write>")
  print("       generate-tables ucum <ucum-essence.xml> <table to write>")
  print("       generate-tables dicom <folder of pydicom> <folder to write the tables to>")
  exit(2)
}
let generator = TableGenerator(try DefinitionPackage(folder: arguments[1]))
let table = try generator.table()
try Data(table.utf8).write(to: URL(fileURLWithPath: arguments[2]), options: .atomic)
for (url, reason) in generator.searchParametersLeftOut() { print("left out: \(url) \(reason)") }
print("\(arguments[2]): \(table.utf8.count) bytes")
