import Base
import JSONCore
import Synthesis
import Testing

/// What the generator promises whatever the content: the same bytes for the same arguments, patients that do not
/// depend on each other, and references that lead somewhere.
@Suite struct SynthesisTests {
  let synthesis = PatientSynthesis(seed: 42)

  @Test func sameSeedSameBytes() {
    let again = PatientSynthesis(seed: 42)
    for index in [0, 1, 17, 1_000_000] {
      #expect(synthesis.bundle(patient: index) == again.bundle(patient: index))
      #expect(synthesis.ndjson(patient: index) == again.ndjson(patient: index))
    }
    #expect(synthesis.sharedNDJSON() == again.sharedNDJSON())
  }

  /// The FNV-1a hash of a hundred bundles, which would differ on a machine that computes differently. It is our own
  /// output on purpose: it says that nothing has changed, and is replaced when the generator is changed.
  @Test func bytesAreTheSameOnEveryMachine() {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for index in 0..<100 {
      for byte in synthesis.bundle(patient: index) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }
    #expect(hash == 0xC771_8437_6940_EF0C)
  }

  @Test func otherSeedsIndexesDatesAndSpansGiveOtherPatients() {
    let bytes = synthesis.bundle(patient: 3)
    #expect(PatientSynthesis(seed: 43).bundle(patient: 3) != bytes)
    #expect(synthesis.bundle(patient: 4) != bytes)
    #expect(PatientSynthesis(seed: 42, historyYears: 9).bundle(patient: 3) != bytes)
    let earlier = Instant(milliseconds: 1_500_000_000_000)
    #expect(PatientSynthesis(seed: 42, referenceDate: earlier).bundle(patient: 3) != bytes)
  }

  @Test func patientsDoNotDependOnWhatWasMadeBefore() async {
    let alone = PatientSynthesis(seed: 42).bundle(patient: 9)
    for index in 0..<9 { _ = synthesis.bundle(patient: index) }
    #expect(synthesis.bundle(patient: 9) == alone)
    let synthesis = synthesis
    let parallel = await withTaskGroup(of: (Int, [UInt8]).self) { group in
      for index in 0..<20 { group.addTask { (index, synthesis.bundle(patient: index)) } }
      var bundles: [Int: [UInt8]] = [:]
      for await (index, bytes) in group { bundles[index] = bytes }
      return bundles
    }
    for index in 0..<20 { #expect(parallel[index] == synthesis.bundle(patient: index)) }
  }

  /// Any index is allowed, and the span is kept between its bounds.
  @Test func extremeArguments() throws {
    for index in [-1, Int.min, Int.max] { _ = try Resources(bundle: synthesis.bundle(patient: index)) }
    let short = PatientSynthesis(seed: 0, historyYears: -5)
    #expect(short.historyYears == 1)
    let long = PatientSynthesis(seed: .max, historyYears: 101)
    #expect(long.historyYears == 100)
    for index in 0..<20 {
      let few = try Resources(bundle: short.bundle(patient: index)).all.count
      _ = try Resources(bundle: long.bundle(patient: index))
      #expect(few > 5)
    }
  }

  @Test func referenceDatesAreKeptWithinFourDigitYears() throws {
    for milliseconds in [Int64.min, Int64.max] {
      let far = PatientSynthesis(seed: 3, referenceDate: Instant(milliseconds: milliseconds))
      #expect(PatientSynthesis.referenceDates.contains(far.referenceDate))
      for index in 0..<20 {
        let patient = try #require(try Resources(bundle: far.bundle(patient: index)).of("Patient").first)
        let year = try #require(patient.text("birthDate").flatMap { Int($0.prefix(4)) })
        #expect((1790...9999).contains(year))
      }
    }
  }

  @Test func bundleIsATransaction() throws {
    let document = try JSONDocument(synthesis.bundle(patient: 5))
    #expect(document.text("resourceType") == "Bundle")
    #expect(document.text("type") == "transaction")
    var fullURLs: Set<String> = []
    for entry in document.list("entry") {
      let fullURL = try #require(document.text("fullUrl", in: entry))
      #expect(fullURL.hasPrefix("urn:uuid:") && fullURL.utf8.count == 45)
      #expect(fullURLs.insert(fullURL).inserted)
      let resource = try #require(document.member(entry, "resource"))
      let type = document.text("resourceType", in: resource)
      let request = try #require(document.member(entry, "request"))
      #expect(document.text("method", in: request) == "POST")
      #expect(document.text("url", in: request) == type)
      #expect(document.member(resource, "id") == nil)
      let isShared = ["Organization", "Location", "Practitioner"].contains(type)
      let identifier = document.list("identifier", in: resource).first
      let expected = identifier.map {
        "identifier=\(document.text("system", in: $0) ?? "")|\(document.text("value", in: $0) ?? "")"
      }
      #expect(document.text("ifNoneExist", in: request) == (isShared ? expected : nil))
    }
  }

  @Test func referencesResolveWithinTheBundle() throws {
    for index in 0..<100 {
      let resources = try Resources(bundle: synthesis.bundle(patient: index))
      for (reference, source) in resources.references {
        #expect(resources.all[reference] != nil, "\(reference) in \(source) of patient \(index)")
      }
    }
  }

  @Test func referencesResolveWithinTheLines() throws {
    let shared = try Resources(lines: synthesis.sharedNDJSON())
    for index in 0..<50 {
      let resources = try Resources(lines: synthesis.ndjson(patient: index))
      for (reference, source) in resources.references {
        let found = resources.all[reference] ?? shared.all[reference]
        #expect(found != nil, "\(reference) in \(source) of patient \(index)")
      }
    }
    #expect(shared.references.allSatisfy { shared.all[$0.reference] != nil })
  }

  /// Both forms tell of the same resources, with the same UUIDs.
  @Test func bothFormsHaveTheSameResources() throws {
    let bundle = try Resources(bundle: synthesis.bundle(patient: 8))
    let lines = try Resources(lines: synthesis.ndjson(patient: 8))
    let shared = try Resources(lines: synthesis.sharedNDJSON())
    let ids = Set(bundle.all.map { "\($0.value.type)/\($0.key.dropFirst(9))" })
    #expect(ids.isSuperset(of: lines.all.keys))
    #expect(ids.subtracting(lines.all.keys).isSubset(of: shared.all.keys))
  }

  @Test func resourcesOneByOneAreTheLines() throws {
    var joined: [UInt8] = []
    var types: Set<String> = []
    synthesis.eachResource(ofPatient: 2) { type, json in
      types.insert(type)
      #expect(json.last == UInt8(ascii: "}"))
      joined.append(contentsOf: json)
      joined.append(UInt8(ascii: "\n"))
    }
    #expect(joined == synthesis.ndjson(patient: 2))
    #expect(types.contains("Patient") && types.contains("Observation"))
    joined = []
    synthesis.eachSharedResource { _, json in joined += json + [UInt8(ascii: "\n")] }
    #expect(joined == synthesis.sharedNDJSON())
  }
}
