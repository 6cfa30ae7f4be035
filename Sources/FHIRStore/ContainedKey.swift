import FHIRSearch
import Storage

/// Keys of contained resources (FHIR R4 references#contained): they follow from the container's key and the place in
/// its `contained`, so that nothing has to be looked up to get from the one to the other.
///
/// They are above all keys of resources and ascend as these do: containers in the order of their creation, and in a
/// container its resources in their order.
enum ContainedKey {
  /// No resource has a key as high; six bytes hold these keys for the first 68 thousand million resources.
  static let first: Int64 = 1 << 46
  /// Keys of one container: at least `IndexExtractor.containedMax`, and a power of two.
  static let perContainer: Int64 = 1_024

  static func isContained(_ key: Int64) -> Bool { key >= first }

  static func key(_ container: Int64, place: Int) -> Int64 { first + container * perContainer + Int64(place) }

  static func container(of key: Int64) -> Int64 { (key - first) / perContainer }

  static func place(of key: Int64) -> Int { Int(key % perContainer) }

  /// The container's key.
  static func container(of key: SQL) -> SQL { "((\(key) - 70368744177664) >> 10)" }

  /// The key of the first place in the same container.
  static func start(of key: SQL) -> SQL { "(\(key) & -1024)" }

  /// The place as references to contained resources have it.
  static func place(of key: SQL) -> SQL { "CAST(\(key) & 1023 AS TEXT)" }

  /// The key of what a reference to a contained resource, under an alias, leads to.
  static func target(_ row: SQL, from searched: SearchedRows) -> SQL {
    // PostgreSQL does not promise to ask first whether the row is such a reference, and a text that is no number would
    // end the statement.
    let place = SQL(
      sqlite: "CAST(\(row).id AS INTEGER)",
      postgreSQL: "CASE WHEN \(row).id ~ '^[0-9]{1,4}$' THEN CAST(\(row).id AS bigint) ELSE 1023 END")
    return switch searched {
    case .resources: "(70368744177664 + \(row).key * 1024 + \(place))"
    case .contained: "(\(start(of: "\(row).key")) + \(place))"
    }
  }

  /// Whether a key is of the container, or of what else it contains.
  static func isSource(_ source: SQL, of key: SQL, from searched: SearchedRows) -> SQL {
    switch searched {
    case .resources: "\(source) = \(container(of: key))"
    case .contained: "\(source) >= \(start(of: key)) AND \(source) < \(start(of: key)) + 1024"
    }
  }
}
