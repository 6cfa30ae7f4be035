import Glibc

/// The C library's power, under a name that no function of ours hides.
enum Power {
  static func raise(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
}
