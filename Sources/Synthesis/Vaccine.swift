/// The vaccines that are given.
enum Vaccine: Int, CaseIterable, Sendable {
  case hepatitisB, dtap, pneumococcal13, polio, mmr, tdap, hpv, td, zoster, influenza
}

struct VaccineRow: Sendable {
  let concept: Concept
  /// When each dose is due, in months of age.
  let monthsOfAge: [Int]
  /// Months between doses after the last of these; 0 for none.
  let repeatMonths: Int
  let price: Int

  init(_ columns: [Substring]) {
    concept = Concept(CodeSystem.cvx, columns[1], columns[2])
    monthsOfAge = columns[3].split(separator: ",").map(TableText.number)
    repeatMonths = TableText.number(columns[4])
    price = TableText.number(columns[5])
  }

  /// Doses due by an age in months.
  func doses(byMonth month: Int) -> Int {
    guard let last = monthsOfAge.last, month >= last, repeatMonths > 0 else {
      return monthsOfAge.filter { $0 <= month }.count
    }
    return monthsOfAge.count + (month - last) / repeatMonths
  }
}

extension Vaccine {
  /// A simplified schedule in the manner of the United States.
  static let table = Table<Vaccine, VaccineRow>(text, row: VaccineRow.init)

  private static let text = """
    # case|CVX|display|months of age|every|cents
    hepatitisB|08|Hep B, adolescent or pediatric|0,1,6|0|3100
    dtap|20|DTaP|2,4,6,15,48|0|3300
    pneumococcal13|133|Pneumococcal conjugate PCV 13|2,4,6,12,780|0|19800
    polio|10|IPV|2,4,6,48|0|3600
    mmr|03|MMR|12,48|0|7900
    tdap|115|Tdap|132|0|4600
    hpv|165|HPV9|132,144|0|22800
    td|113|Td (adult), 5 Lf tetanus toxoid, preservative free, adsorbed|252|120|3200
    zoster|187|zoster recombinant|600,606|0|16200
    influenza|140|Influenza, split virus, trivalent, preservative free|6|12|2400
    """
}
