import Base
import DeviceService
import DeviceStore
import Server

/// A heart rate from a device, and where its Observation is, for who tries a server for the first time.
enum SampleMessages {
  private static let json =
    #"{"deviceId":"watch-1","patientId":"sample-1","timestamp":"2026-11-21T08:00:00Z","heartRate":72}"#

  /// Sends one message through the service's own door, if none came before.
  static func send(to mount: DeviceMount, at root: String, destination: String) async {
    do throws(Fault) {
      guard try mount.service.store.progress().appended == 0 else { return }
      try await mount.service.accept([MessageContent(body: Array(json.utf8))])
    } catch {
      return Terminal.note("The sample message could not be sent: \(error.reasons.first?.diagnostics ?? "")")
    }
    Terminal.output(
      """
      A device sent its heart rate. Try:
        curl '\(root)\(destination)/Observation?code=8867-4&device.identifier=watch-1'
        curl '\(root)\(mount.path)/messages' -H 'Content-Type: application/json' -d '
          \(json)'
        curl '\(root)\(mount.path)'
      """)
  }
}
