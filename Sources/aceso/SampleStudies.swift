import Base
import DICOMCore
import DICOMService
import DICOMSynthesis
import DICOMweb

/// Fills an empty DICOM service with a synthetic study, through the same door as every client's.
struct SampleStudies {
  private static let seed: UInt64 = 1
  private static let instances = 20

  let service: DICOMService
  /// The address of the service's second version.
  let base: String

  /// Returns early when cancelled.
  func run() async {
    do {
      guard try await isEmpty() else { return }
      var options = StudyOptions()
      options.modalities = [.ct]
      options.instancesPerSeries = Self.instances
      let study = StudySynthesis(seed: Self.seed, options: options).study(0)
      for number in 0..<Self.instances {
        guard !Task.isCancelled else { return }
        try await store(try study.instance(number))
      }
      tell(study)
    } catch let fault as Fault {
      Terminal.note("The sample study could not be stored: \(fault.reasons.first?.diagnostics ?? "")")
    } catch {
      Terminal.note("The sample study could not be made.")
    }
  }

  private func isEmpty() async throws(Fault) -> Bool {
    let answer = try await service.perform(DICOMCall(.changeFeedLatest, version: .v2, base: base), .everything)
    switch answer.content {
    case .empty: return true
    case .bytes(let bytes): return bytes.isEmpty
    case .pieces: return false
    }
  }

  private func store(_ instance: SyntheticInstance) async throws(Fault) {
    var call = DICOMCall(.store(study: nil), version: .v2, base: base)
    call.accept = ["application/dicom+json"]
    call.contentType = "application/dicom"
    call.body = .whole(instance.bytes)
    let answer = try await service.perform(call, .everything)
    guard answer.status == 200 else { throw Fault(.internal, "status \(answer.status)") }
  }

  private func tell(_ study: SyntheticStudy) {
    guard let series = study.series.first else { return }
    let path = "studies/\(study.studyInstanceUID)/series/\(series.seriesInstanceUID)"
    Terminal.output(
      """
      Stored a synthetic CT study of \(Self.instances) slices. Try:
        curl '\(base)/studies?PatientName=*&includefield=all' -H 'Accept: application/dicom+json'
        curl '\(base)/\(path)/metadata' -H 'Accept: application/dicom+json'
        a slice as a picture, for a browser:
        \(base)/\(path)/instances/\(series.sopInstanceUID(Self.instances / 2))/rendered
      """)
  }
}
