/// What a store holds, as its own searches tell: the values that the measured searches ask for.
///
/// The patients are drawn evenly from the whole store, and always the same ones.
struct SearchSamples {
  struct Refusal: Error { let text: String }

  struct Patient {
    let id: String
    let identifier: String
    let family: String
    let given: [String]
  }
  struct Observation {
    let id: String
    let patient: String
    let code: String
    /// `2024-05-06`.
    let day: String
    /// The number as it is written, where it has one.
    let value: String?
  }

  private static let patientsMax = 300
  private static let recordNumber = "MR"

  let size: Int
  let client: ServiceClient
  private(set) var patients: [Patient] = []
  private(set) var observations: [Observation] = []
  private(set) var encounters: [String] = []
  /// Codes of observations and of conditions, the most frequent first.
  private(set) var observationCodes: [String] = []
  private(set) var conditionCodes: [String] = []

  /// How many steps a range has that is one step wide in a store of a million, for as many matches.
  var narrowing: Int { max(1, 1_000_000 / size) }

  init(size: Int, client: ServiceClient) throws {
    self.size = size
    self.client = client
    patients = try Self.patients(client)
    var conditions: [String] = []
    for patient in patients {
      for found in try client.search("Observation?patient=\(patient.id)&_count=1000").resources {
        observations.append(Self.observation(found, of: patient))
      }
      encounters += try client.search("Encounter?patient=\(patient.id)&_count=1000").resources.map(\.id)
      conditions += try client.search("Condition?patient=\(patient.id)&_count=1000").resources.compactMap {
        Self.code($0)
      }
    }
    observationCodes = Self.byFrequency(observations.map(\.code))
    conditionCodes = Self.byFrequency(conditions)
    guard !observations.isEmpty, !encounters.isEmpty, !conditionCodes.isEmpty else {
      throw Refusal(text: "the store holds no synthetic patients")
    }
  }

  /// Medical record numbers are numbered, so a few hundred of them, evenly spread, are one search.
  private static func patients(_ client: ServiceClient) throws -> [Patient] {
    let total = try client.search("Patient?_summary=count").total ?? 0
    guard let first = try client.search("Patient?_count=1").resources.first.map(patient),
      let end = first.identifier.lastIndex(of: "-"), total > 0
    else { throw Refusal(text: "no patients were found") }
    let numbers = (0..<min(total, patientsMax)).map { $0 * total / min(total, patientsMax) }
    let query =
      "Patient?identifier=" + numbers.map { "\(first.identifier[...end])\($0)" }.joined(separator: ",") + "&_count=1000"
    return try client.search(query).resources.map(patient)
  }

  private static func patient(_ found: FoundResource) -> Patient {
    let numbers = found.objects("identifier").filter { $0.values("type", "coding", "code").contains(recordNumber) }
    let number = numbers.first.map { "\($0.values("system").first ?? "")|\($0.values("value").first ?? "")" }
    let name = found.objects("name").first
    return Patient(
      id: found.id, identifier: number ?? "", family: name?.values("family").first ?? "",
      given: name?.values("given") ?? [])
  }

  private static func observation(_ found: FoundResource, of patient: Patient) -> Observation {
    Observation(
      id: found.id, patient: patient.id, code: code(found) ?? "",
      day: String((found.values("effectiveDateTime").first ?? "").prefix(10)),
      value: found.values("valueQuantity", "value").first)
  }

  private static func code(_ found: FoundResource) -> String? {
    guard let coding = found.objects("code", "coding").first, let code = coding.values("code").first else { return nil }
    return "\(coding.values("system").first ?? "")|\(code)"
  }

  private static func byFrequency(_ codes: [String]) -> [String] {
    let counts = codes.reduce(into: [:]) { counts, code in counts[code, default: 0] += 1 }
    return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
  }
}
