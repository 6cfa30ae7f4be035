/// The imaging examinations that are done.
enum Exam: Int, CaseIterable, Sendable {
  case chestXRay, forearmXRay, mammography, echocardiogram, headCT
}

struct ExamRow: Sendable {
  let concept: Concept
  let bodySite: Concept
  /// A DICOM modality (PS3.3 C.7.3.1.1.1) as a Coding.
  let modality: Concept
  /// The SOP Class UID of its images (PS3.4 B.5).
  let sopClass: String
  let series: ClosedRange<Int>
  let instances: ClosedRange<Int>
  /// What the radiologist found, normal first.
  let conclusions: [String]
  let price: Int

  init(_ columns: [Substring]) {
    concept = Concept(CodeSystem.snomed, columns[1], columns[2])
    bodySite = Concept(CodeSystem.snomed, columns[3], columns[4])
    modality = Concept("http://dicom.nema.org/resources/ontology/DCM", columns[5], columns[6])
    sopClass = String(columns[7])
    series = 1...TableText.number(columns[8])
    instances = 1...TableText.number(columns[9])
    conclusions = columns[10].split(separator: ";").map(String.init)
    price = TableText.number(columns[11])
  }
}

extension Exam {
  static let table = Table<Exam, ExamRow>(text, row: ExamRow.init)

  private static let text = """
    # case|SNOMED CT|display|SNOMED CT site|display|modality|display|SOP class|series|instances|conclusions|cents
    chestXRay|399208008|Plain chest X-ray (procedure)|51185008|Thoracic structure|DX|Digital Radiography|1.2.840.10008.5.1.4.1.1.1.1|1|2|Lungs clear, heart of normal size.;Patchy opacity in the lower lobe.|8900
    forearmXRay|168537006|Plain radiography (procedure)|14975008|Forearm structure|DX|Digital Radiography|1.2.840.10008.5.1.4.1.1.1.1|1|3|No fracture seen.;Fracture of the distal radius without displacement.|7600
    mammography|71651007|Mammography (procedure)|76752008|Breast structure|MG|Mammography|1.2.840.10008.5.1.4.1.1.1.2|2|2|No sign of malignancy.;Benign calcifications.|18400
    echocardiogram|40701008|Echocardiography (procedure)|80891009|Heart structure|US|Ultrasound|1.2.840.10008.5.1.4.1.1.3.1|2|4|Normal ejection fraction, valves competent.;Reduced ejection fraction.|61500
    headCT|303653007|Computed tomography of head (procedure)|69536005|Head structure|CT|Computed Tomography|1.2.840.10008.5.1.4.1.1.2|2|12|No bleeding seen.;Early sign of ischemia on the left.|94000
    """
}
