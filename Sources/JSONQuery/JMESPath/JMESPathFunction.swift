/// The functions: those of jmespath.org, and those that device mappings have besides.
enum JMESPathFunction: String, Sendable {
  case abs, avg, ceil, contains, floor, join, keys, length, map, max, merge, min, reverse, sort, sum, type, values
  case endsWith = "ends_with"
  case maxBy = "max_by"
  case minBy = "min_by"
  case notNull = "not_null"
  case sortBy = "sort_by"
  case startsWith = "starts_with"
  case toArray = "to_array"
  case toNumber = "to_number"
  case toString = "to_string"
  // Of device mappings.
  case add, subtract, multiply, divide, pow, insertString, fromUnixTimestamp, fromUnixTimestampMs

  /// How many arguments it takes, and whether it takes more of the last kind.
  var arity: (count: Int, isVariadic: Bool) {
    switch self {
    case .abs, .avg, .ceil, .floor, .keys, .length, .max, .min, .reverse, .sort, .sum, .type, .values, .toArray,
      .toNumber, .toString, .fromUnixTimestamp, .fromUnixTimestampMs:
      (1, false)
    case .contains, .endsWith, .startsWith, .join, .map, .maxBy, .minBy, .sortBy, .add, .subtract, .multiply, .divide,
      .pow:
      (2, false)
    case .insertString: (3, false)
    case .merge, .notNull: (1, true)
    }
  }
}
