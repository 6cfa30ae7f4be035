/// Two patients with the same things each: whatever one of them may see of the other is a fault.
enum AccessData {
  struct Item {
    let type: String
    let id: String
    /// The patient whose it is; nil for what is nobody's.
    let patient: String?
    /// The practitioner in whose compartment it is (FHIR R4 compartmentdefinition-practitioner).
    let practitioner: String?
    let category: String?

    init(_ type: String, _ id: String, _ patient: String?, _ practitioner: String? = nil, category: String? = nil) {
      (self.type, self.id, self.patient, self.practitioner, self.category) = (type, id, patient, practitioner, category)
    }

    func with(id: String) -> Item { Item(type, id, patient, practitioner, category: category) }

    func json(marker: String = "a") -> String {
      let subject = patient.map { #","subject":{"reference":"Patient/\#($0)"}"# } ?? ""
      switch type {
      case "Patient":
        let doctor = practitioner.map { #","generalPractitioner":[{"reference":"Practitioner/\#($0)"}]"# } ?? ""
        return #"{"resourceType":"Patient","id":"\#(id)","name":[{"family":"\#(marker)"}]\#(doctor)}"#
      case "Observation":
        let performer = practitioner.map { #","performer":[{"reference":"Practitioner/\#($0)"}]"# } ?? ""
        let own = category.map {
          #","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"\#($0)"}]}]"#
        }
        return #"{"resourceType":"Observation","id":"\#(id)","status":"final","code":{"text":"\#(marker)"}"#
          + "\(own ?? "")\(subject)\(performer)}"
      case "Encounter":
        let participant = practitioner.map { #","participant":[{"individual":{"reference":"Practitioner/\#($0)"}}]"# }
        return #"{"resourceType":"Encounter","id":"\#(id)","status":"finished","class":{"code":"AMB"}"#
          + #","identifier":[{"value":"\#(marker)"}]\#(subject)\#(participant ?? "")}"#
      case "Device":
        let owner = patient.map { #","patient":{"reference":"Patient/\#($0)"}"# } ?? ""
        return #"{"resourceType":"Device","id":"\#(id)","lotNumber":"\#(marker)"\#(owner)}"#
      case "Organization": return #"{"resourceType":"Organization","id":"\#(id)","name":"\#(marker)"}"#
      case "Practitioner": return #"{"resourceType":"Practitioner","id":"\#(id)","name":[{"family":"\#(marker)"}]}"#
      default: return #"{"resourceType":"\#(type)","id":"\#(id)"}"#
      }
    }
  }

  static let items: [Item] = [
    Item("Patient", "p1", "p1", "d1"), Item("Patient", "p2", "p2", "d2"),
    Item("Observation", "o1-vital", "p1", "d1", category: "vital-signs"),
    Item("Observation", "o1-lab", "p1", "d2", category: "laboratory"),
    Item("Observation", "o2-vital", "p2", "d2", category: "vital-signs"),
    Item("Observation", "o2-lab", "p2", "d1", category: "laboratory"),
    Item("Observation", "o0", nil, nil, category: "vital-signs"),
    Item("Encounter", "e1", "p1", "d1"), Item("Encounter", "e2", "p2", "d2"),
    Item("Device", "v1", "p1"), Item("Device", "v2", "p2"), Item("Device", "v0", nil),
    Item("Organization", "g1", nil), Item("Practitioner", "d1", nil, "d1"), Item("Practitioner", "d2", nil, "d2"),
  ]

  static var json: [String] {
    // Practitioners and patients first, whom the others refer to.
    items.reversed().map { $0.json() }
  }
}
