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

let arguments = CommandLine.arguments
guard arguments.count == 3 else {
  print("usage: generate-tables <folder of a FHIR release's package> <table to write>")
  exit(2)
}
let generator = TableGenerator(try DefinitionPackage(folder: arguments[1]))
let table = try generator.table()
try Data(table.utf8).write(to: URL(fileURLWithPath: arguments[2]), options: .atomic)
for (url, reason) in generator.searchParametersLeftOut() { print("left out: \(url) \(reason)") }
print("\(arguments[2]): \(table.utf8.count) bytes")
