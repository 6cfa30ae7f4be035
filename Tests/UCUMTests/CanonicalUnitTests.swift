import Testing
import UCUM

@Suite("Canonical units")
struct CanonicalUnitTests {
  /// Factors from the definitions: SI brochure for SI units; ISO 80000 and NIST SP 811 for the others.
  static let factors: [(code: String, canonical: String, factor: Double)] = [
    ("g", "g", 1.0), ("kg", "g", 1e3), ("mg", "g", 1e-3), ("ug", "g", 1e-6), ("t", "g", 1e6),
    ("m", "m", 1), ("cm", "m", 0.01), ("[in_i]", "m", 0.0254), ("[ft_i]", "m", 0.3048), ("[mi_i]", "m", 1609.344),
    ("s", "s", 1), ("min", "s", 60), ("h", "s", 3600), ("d", "s", 86400), ("wk", "s", 604_800),
    ("a", "s", 31_557_600), ("mo", "s", 2_629_800),
    ("N", "g.m.s-2", 1e3), ("Pa", "g.m-1.s-2", 1e3), ("mm[Hg]", "g.m-1.s-2", 133_322),
    ("cm[H2O]", "g.m-1.s-2", 98_066.5), ("J", "g.m2.s-2", 1e3), ("kcal", "g.m2.s-2", 4_184_000),
    ("V", "C-1.g.m2.s-2", 1e3), ("A", "C.s-1", 1), ("Ohm", "C-2.g.m2.s-1", 1e3),
    ("L", "m3", 1e-3), ("l", "m3", 1e-3), ("mL", "m3", 1e-6), ("dL", "m3", 1e-4), ("fL", "m3", 1e-18),
    ("[gal_us]", "m3", 0.003785411784), ("[foz_us]", "m3", 2.95735295625e-5),
    ("[lb_av]", "g", 453.59237), ("[oz_av]", "g", 28.349523125), ("[stone_av]", "g", 6350.29318),
    ("g/dL", "g.m-3", 1e4), ("mg/dL", "g.m-3", 10), ("g%", "g.m-3", 1e4), ("kg/m2", "g.m-2", 1e3),
    ("/min", "s-1", 1 / 60.0), ("{beats}/min", "s-1", 1 / 60.0), ("Hz", "s-1", 1), ("mL/min", "m3.s-1", 1e-6 / 60),
    ("10*9/L", "m-3", 1e12), ("10*3/uL", "m-3", 1e12), ("10^6/mL", "m-3", 1e12), ("/[LPF]", "1", 0.01),
    ("1", "1", 1), ("%", "1", 0.01), ("[ppm]", "1", 1e-6), ("{score}", "1", 1), ("{a}.rad2{b}", "rad2", 1),
    ("deg", "rad", 0.017453292519943295), ("circ", "rad", 6.283185307179586),
    ("dyn.s/(cm5.m2)", "g.m-6.s-1", 1e8), ("mL/(kg.h)", "g-1.m3.s-1", 1e-9 / 3600), ("g/m/s2.m", "g.s-2", 1),
    ("m0", "1", 1), ("m+2", "m2", 1), ("(((m)))", "m", 1), ("m.m-1", "1", 1), ("4.s/m", "m-1.s", 4),
    ("[degR]", "K", 5 / 9.0),
  ]

  @Test("codes and factors", arguments: factors)
  func codes(code: String, canonical: String, factor: Double) throws {
    let unit = try UCUM.unit(code)
    #expect(unit.code == canonical)
    #expect(unit.factorDouble == factor)
    #expect(!unit.isIntervalScale)
    #expect(unit.value(significand: 1, scale: 0) == factor)
  }

  @Test("the canonical code is itself a code, and its own canonical form")
  func idempotent() throws {
    for code in ["kg", "V", "mmol/L", "m[iU]/mL", "Cel", "Cel/min", "[pH]", "dB", "%[slope]", "B[10.nV]/s", "lm", "1"] {
      let canonical = try UCUM.unit(code).code
      #expect(try UCUM.unit(canonical).code == canonical, "\(code)")
    }
  }

  static let equals: [(String, String)] = [
    ("1 kg", "1000 g"), ("1 kg", "1e3 g"), ("0.7 kg", "700 g"), ("0.1 mg/dL", "1 mg/L"), ("5 mmol/L", "5 umol/mL"),
    ("140 mm[Hg]", "18.665080 kPa"), ("1 [lb_av]", "0.45359237 kg"), ("72 [in_i]", "6 [ft_i]"), ("90 min", "1.5 h"),
    ("1 a", "12 mo"), ("1 deg", "60 '"), ("180 deg", "0.5 circ"), ("1 /h", "24 /d"), ("1 [tbs_us]", "3 [tsp_us]"),
    ("37 Cel", "98.6 [degF]"), ("-40 Cel", "-40 [degF]"), ("0 Cel", "273.15 K"), ("32 [degF]", "273.15 K"),
    ("80 [degRe]", "100 Cel"), ("1000 mCel", "1 Cel"), ("38.5 Cel", "38.50 Cel"), ("1 [IU]/L", "1 m[iU]/mL"),
    ("10 dB", "1 B"), ("50 %", "0.5 1"), ("1 mol", "1 eq"), ("60 U", "1 umol/s"), ("1e-30 Yg", "1e-6 g"),
    ("1.23456789012345678 kg", "1234.56789012345678 g"), ("-1 kg", "-1000 g"), ("7.2 mg/(kg.d)", "3e-4 g/(kg.h)"),
  ]

  @Test("equal quantities have equal canonical values, to the last bit", arguments: equals)
  func equal(_ first: String, _ second: String) throws {
    let (first, second) = (try Quantity(first), try Quantity(second))
    #expect(first.unit.code == second.unit.code)
    #expect(first.canonical == second.canonical)
    #expect(first.value(in: second.unit) == second.double)
    #expect(second.value(in: first.unit) == first.double)
  }

  /// The definitions: K = Cel + 273.15; Cel = (degF - 32) × 5 / 9; degRe = Cel × 4 / 5.
  @Test("temperatures become kelvin")
  func temperatures() throws {
    let celsius = try UCUM.unit("Cel")
    #expect(celsius.code == "K")
    #expect(celsius.isIntervalScale)
    #expect(celsius.value(significand: 37, scale: 0) == 310.15)
    #expect(celsius.value(significand: -27315, scale: 2) == 0)
    #expect(celsius.value(37.0) == 310.15)
    #expect(celsius.value(0) == 273.15)
    #expect(try UCUM.unit("[degF]").value(significand: 212, scale: 0) == 373.15)
    #expect(try UCUM.unit("Cel{oral}").code == "K")
    // Multiplied with other units it is no temperature any more (UCUM §22).
    #expect(try UCUM.unit("Cel/min").code == "Cel.s-1")
    #expect(try UCUM.unit("Cel/min") != UCUM.unit("K/min"))
  }

  static let strangers: [(String, String)] = [
    ("mmol/L", "10*9/L"), ("mol", "1"), ("mmol/L", "mg/dL"), ("[iU]", "[arb'U]"), ("[iU]/L", "U/L"), ("[iU]", "1"),
    ("[pH]", "mol/L"), ("[pH]", "1"), ("dB", "1"), ("B[V]", "V"), ("B[V]", "B[mV]"), ("Np", "B"), ("[hp_X]", "[hp_C]"),
    ("[p'diop]", "deg"), ("kg", "N"), ("[CFU]/mL", "/mL"), ("[CFU]/mL", "[PFU]/mL"), ("Hz", "1"), ("deg", "1"),
  ]

  @Test("what must not be comparable", arguments: strangers)
  func incomparable(a: String, b: String) throws {
    let (first, second) = (try UCUM.unit(a), try UCUM.unit(b))
    #expect(first.code != second.code)
    #expect(first.value(significand: 1, scale: 0, in: second) == nil)
  }

  @Test("values past the exact range")
  func extremes() throws {
    let kilogram = try UCUM.unit("kg")
    #expect(kilogram.value(significand: 0, scale: 0) == 0)
    #expect(kilogram.value(significand: 1, scale: -400) == .infinity)
    #expect(kilogram.value(significand: -1, scale: -400) == -.infinity)
    #expect(kilogram.value(significand: 1, scale: 400) == 0)
    #expect(kilogram.value(significand: 1, scale: Int.max) == 0)
    #expect(kilogram.value(significand: 1, scale: Int.min) == .infinity)
    #expect(kilogram.value(significand: 5, scale: -300) == 5e303)
    #expect(kilogram.value(significand: 5, scale: 300) == 5e-297)
    let largest = kilogram.value(significand: Int128.max, scale: 38)
    #expect(abs(largest / 1701.4118346046923 - 1) < 1e-15)
    let smallest = try UCUM.unit("Cel").value(significand: Int128.min, scale: 38)
    #expect(abs(smallest - (273.15 - 1.7014118346046923)) < 1e-12)
    #expect(kilogram.value(Double.nan).isNaN)
    #expect(kilogram.value(0.5) == 500)
    #expect(kilogram.value(-Double.leastNonzeroMagnitude) == -1000 * Double.leastNonzeroMagnitude)
    #expect(try UCUM.unit("Cel").value(1e300) == 1e300)
  }

  @Test("UTF-8 bytes and Strings are the same")
  func bytes() {
    let code = Array("mL/min/{1.73_m2}".utf8)
    let fromBytes = code.withUnsafeBufferPointer { UCUM.canonical(utf8: $0) }
    #expect(fromBytes == UCUM.canonical("mL/min/{1.73_m2}"))
    #expect(fromBytes?.code == "m3.s-1")
    #expect(UCUM.canonical("nonsense") == nil)
    #expect(UCUM.version == "2.2")
  }
}
