/// Makes the table of units from `ucum-essence.xml`, the machine-readable part of The Unified Code for Units of
/// Measure.
///
/// The table is text, one record per line: the record's kind (one letter), a tab, and its fields separated by tabs.
/// Symbols, values and definitions are word for word those of the essence; names, print symbols, properties and the
/// case-insensitive symbols are left out.
///
///     #  a line of the notice that the licence asks for
///     V  version  revision date
///     P  symbol  value                                  a prefix
///     B  symbol                                         a base unit
///     U  symbol  metric  value  unit                    value × unit
///     A  symbol  metric  value  unit                    an arbitrary unit (UCUM §24)
///     S  symbol  metric  value  unit  function          a special unit (UCUM §21): function(value × unit)
///
/// `metric` is `m` if the symbol takes prefixes, else `-`.
public struct UnitTableGenerator {
  private let essence: String

  public init(essence: String) {
    self.essence = essence
  }

  /// The whole table.
  public func table() throws -> String {
    var lines: [String] = []
    var unit: XMLTagScanner.Tag?
    var scanner = XMLTagScanner(essence)
    while let tag = try scanner.next() {
      switch tag.name {
      case "root":
        lines = Self.notice + [TableGenerator.line("V", try tag.required("version"), try tag.required("revision-date"))]
      case "prefix", "unit": unit = tag
      case "base-unit": lines.append(TableGenerator.line("B", try tag.required("Code")))
      case "value":
        guard let owner = unit else { throw GenerationError("a value outside of a prefix or unit") }
        if let line = try Self.line(owner, value: tag) { lines.append(line) }
      case "function":
        guard let owner = unit else { throw GenerationError("a function outside of a unit") }
        lines.append(try Self.line(owner, function: tag))
      default: break
      }
    }
    guard lines.count > Self.notice.count else { throw GenerationError("no unit in the file") }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The line of a prefix or a unit; nil for a special unit, whose function follows.
  private static func line(_ owner: XMLTagScanner.Tag, value: XMLTagScanner.Tag) throws -> String? {
    if owner.name == "prefix" {
      return TableGenerator.line("P", try owner.required("Code"), try value.required("value"))
    }
    if owner.attributes["isSpecial"] == "yes" { return nil }
    return TableGenerator.line(
      owner.attributes["isArbitrary"] == "yes" ? "A" : "U", try owner.required("Code"), try metric(owner),
      try value.required("value"), try value.required("Unit"))
  }

  private static func line(_ owner: XMLTagScanner.Tag, function: XMLTagScanner.Tag) throws -> String {
    TableGenerator.line(
      "S", try owner.required("Code"), try metric(owner), try function.required("value"),
      try function.required("Unit"), try function.required("name"))
  }

  private static func metric(_ unit: XMLTagScanner.Tag) throws -> String {
    try unit.required("isMetric") == "yes" ? "m" : "-"
  }

  /// UCUM License 1.1, §3(b) and appendix.
  private static let notice = [
    "The Unified Code for Units of Measure (UCUM): symbols and definitions from ucum-essence.xml.",
    "Copyright 1999-2024 Regenstrief Institute, Inc. All rights reserved.",
    "Licensed under the UCUM License, Version 1.1 (the \"License\"); you may not use this file except in compliance",
    "with the License. You may obtain a copy of the License at https://unitsofmeasure.org/license",
    "Unless required by applicable law or agreed to in writing, software distributed under the License is distributed",
    "on an \"AS IS\" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the License for",
    "the specific language governing permissions and limitations under the License.",
  ].map { TableGenerator.line("#", $0) }
}
