import DICOMCore
import DICOMSynthesis
import Foundation
import JSONCore
import Synthesis
import Testing

@Suite("Synthetic studies")
struct StudyTests {
  @Test("the same arguments give the same bytes, in any order; another seed gives others")
  func deterministic() throws {
    let options = InstanceTests.options(.mr, series: 2)
    let (one, two) = (StudySynthesis(seed: 3, options: options), StudySynthesis(seed: 3, options: options))
    let late = try one.study(5).instance(2, ofSeries: 1).bytes
    _ = try two.study(1).instance(0).bytes
    #expect(try two.study(5).instance(2, ofSeries: 1).bytes == late)
    #expect(try StudySynthesis(seed: 4, options: options).study(5).instance(2, ofSeries: 1).bytes != late)
    // Its picture differs from its neighbours', its unique identifiers from all.
    #expect(try one.study(5).instance(1, ofSeries: 1).bytes.suffix(1_000) != late.suffix(1_000))
  }

  @Test("identifiers are valid, and unlike where they have to be")
  func identifiers() throws {
    let synthesis = StudySynthesis(seed: 1, options: InstanceTests.options(.ct, series: 2))
    var (instances, series, studies, accessions) = (Set<UID>(), Set<UID>(), Set<UID>(), Set<String>())
    for index in 0..<10 {
      let study = synthesis.study(index)
      studies.insert(study.studyInstanceUID)
      accessions.insert(study.accessionNumber)
      for place in study.series.indices {
        series.insert(study.series[place].seriesInstanceUID)
        for number in 0..<study.series[place].instanceCount {
          instances.insert(study.series[place].sopInstanceUID(number))
        }
      }
    }
    #expect(studies.count == 10 && accessions.count == 10 && series.count == 20 && instances.count == 60)
    let all = studies.union(series).union(instances)
    #expect(all.filter { !$0.isValid }.isEmpty)
    #expect(all.count == 90)
    #expect(synthesis.instanceCount(studies: 10) == 60)
  }

  @Test("slices lie side by side, at right angles to their plane", arguments: [StudyOptions.Modality.ct, .mr])
  func geometry(_ modality: StudyOptions.Modality) throws {
    let study = InstanceTests.study(modality, series: 3, instances: 5)
    var frames = Set<String>()
    for place in study.series.indices {
      var last: [Double]?
      for number in 0..<5 {
        let dataSet = try DICOMFile(study.instance(number, ofSeries: place).bytes).dataSet
        frames.insert(try #require(dataSet.string(.frameOfReferenceUID)))
        let orientation = try #require(dataSet[.imageOrientationPatient]).doubles
        let position = try #require(dataSet[.imagePositionPatient]).doubles
        try #require(orientation.count == 6 && position.count == 3)
        let (u, v) = (Array(orientation[0..<3]), Array(orientation[3..<6]))
        #expect(Self.dot(u, u) == 1 && Self.dot(v, v) == 1 && Self.dot(u, v) == 0)
        let normal = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]]
        if let last {
          let step = zip(position, last).map { $0 - $1 }
          let thickness = try #require(dataSet[.sliceThickness]?.double)
          #expect(abs(abs(Self.dot(step, normal)) - thickness) < 1e-5)
          #expect(Self.dot(step, u) == 0 && Self.dot(step, v) == 0)
        }
        last = position
        let spacing = try #require(dataSet[.pixelSpacing]).doubles
        // 400 mm in 96 rows and 128 columns.
        #expect(abs(spacing[0] * 96 - 400) < 0.001 && abs(spacing[1] * 128 - 400) < 0.001)
        #expect(dataSet.integer(.instanceNumber) == number + 1)
        #expect(dataSet.integer(.seriesNumber) == place + 1)
      }
    }
    #expect(frames.count == 1)
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

  @Test("the patients are those of the FHIR data")
  func patients() throws {
    var options = InstanceTests.options(.ct, instances: 1)
    options.studiesPerPatient = 2
    let synthesis = StudySynthesis(seed: 11, options: options)
    let people = PatientSynthesis(seed: 11)
    for number in 0..<5 {
      var found: JSONDocument?
      people.eachResource(ofPatient: number) { type, json in
        if type == "Patient" { found = try? JSONDocument(Array(json)) }
      }
      let resource = try #require(found)
      let text = String(decoding: resource.lexeme(resource.root), as: UTF8.self)
      for index in [2 * number, 2 * number + 1] {
        let study = synthesis.study(index)
        let dataSet = try DICOMFile(study.instance(0).bytes).dataSet
        let name = try #require(dataSet[.patientName]?.personNames.first)
        #expect(text.contains("\"family\":\"\(name.alphabetic.familyName)\""))
        #expect(text.contains("\"\(name.alphabetic.givenName)\""))
        let patientID = try #require(dataSet.string(.patientID))
        #expect(text.contains("\"value\":\"\(patientID)\""))
        let birth = Array(try #require(dataSet.string(.patientBirthDate)))
        #expect(
          text.contains("\"birthDate\":\"\(String(birth[0..<4]))-\(String(birth[4..<6]))-\(String(birth[6..<8]))\""))
        #expect(text.contains(dataSet.string(.patientSex) == "F" ? "\"gender\":\"female\"" : "\"gender\":\"male\""))
        #expect(study.patient.patientID == dataSet.string(.patientID))
        let studyDate = try #require(dataSet.string(.studyDate))
        #expect(studyDate >= study.patient.birthDate)
        #expect(dataSet.string(.institutionName)?.isEmpty == false)
        #expect(dataSet[.referringPhysicianName]?.personNames.first?.alphabetic.familyName.isEmpty == false)
      }
    }
  }

  @Test("options out of their limits are brought within them")
  func limits() throws {
    var options = StudyOptions()
    options.modalities = []
    (options.seriesPerStudy, options.instancesPerSeries, options.studiesPerPatient) = (0, -1, 0)
    (options.rows, options.columns, options.frames) = (0, -5, 0)
    let synthesis = StudySynthesis(seed: 1, options: options)
    let study = synthesis.study(-3)
    #expect(study.index == 0 && study.modality == .ct)
    #expect(study.instanceCount == 1)
    #expect(try DICOMFile(study.instance(0).bytes).dataSet.integer(.rows) == 1)
    options.rows = 100_000
    #expect(StudySynthesis(seed: 1, options: options).options.rows == 16_384)
  }

  @Test("modalities take turns")
  func turns() {
    var options = StudyOptions()
    options.modalities = [.ct, .us, .mr]
    let synthesis = StudySynthesis(seed: 1, options: options)
    #expect((0..<4).map { synthesis.study($0).modality } == [.ct, .us, .mr, .ct])
  }

  @Test("making instances is quick")
  func speed() throws {
    let study = StudySynthesis(seed: 1).study(0)
    _ = try study.instance(0)
    let clock = ContinuousClock()
    let time = try clock.measure { for number in 0..<20 { _ = try study.instance(number) } }
    print(
      "Synthetic CT of 526 kB: \(Int(20 / (Double(time.components.attoseconds) / 1e18 + Double(time.components.seconds))))/s"
    )
    #expect(time < .seconds(20))
  }
}
