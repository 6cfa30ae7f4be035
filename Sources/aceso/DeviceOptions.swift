import ArgumentParser
import Base
import DeviceService
import DeviceStore
import FHIRModel
import FHIRService
import FHIRStore
import Server
import Workspace

/// The device services of `aceso serve`.
struct DeviceOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      A device service and its mappings: a folder with device.json and fhir.json (or devicecontent.json and \
      fhirmapping.json), or mappings that come with Aceso: vitals, openmhealth, health. May be given several times. \
      Messages go to /default/NAME/messages
      """, valueName: "name=mappings"),
    transform: { text in
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, ServiceName.isService(parts[0]) else {
        throw ValidationError(
          "'\(text)' is no device service: a name of lower-case letters, digits and hyphens, '=', mappings.")
      }
      return Named(name: parts[0], mappings: parts[1])
    })
  var deviceService: [Named] = []

  @Option(
    help: ArgumentHelp(
      "The FHIR service that Observations of devices go to. Default: the first of release 4.0", valueName: "name"))
  var deviceDestination: String?

  @Option(
    help: ArgumentHelp(
      "How Device and Patient of a message are found: Create makes them, Lookup and LookupWithEncounter do not.",
      valueName: "Create|Lookup|LookupWithEncounter"),
    transform: { text in
      guard let resolution = DeviceConfiguration.Resolution(name: text) else {
        throw ValidationError("'\(text)' is none of Create, Lookup, LookupWithEncounter.")
      }
      return resolution
    })
  var deviceResolution = DeviceConfiguration.Resolution.create

  @Option(
    help: ArgumentHelp(
      """
      A broker that a device service takes messages from: name=kafka://host:port/topic, behind it after a ? group=…, \
      password-file=…, event-hubs=true and settings of librdkafka such as security.protocol=sasl_ssl; or \
      name=mqtt://host:port/topic/filter, behind it client=…, user=…, password-file=…. May be given several times
      """, valueName: "name=address"),
    transform: { try DeviceSourceOption($0) })
  var deviceSource: [DeviceSourceOption] = []

  struct Named: Sendable {
    let name: String
    let mappings: String
  }

  /// Opens the services.
  /// - Parameter mounts: the services beside them, one of which their Observations go to.
  func open(_ mounts: [Mount]) async throws -> [DeviceMount] {
    guard !deviceService.isEmpty else { return [] }
    let taken = Set(mounts.filter { $0.entrance.workspace == "default" }.map(\.entrance.name))
    let fhir = mounts.compactMap { if case .fhir(let mount) = $0 { mount } else { nil } }
    let target = fhir.first { mount in
      mount.entrance.workspace == "default"
        && (deviceDestination.map { $0 == mount.entrance.name } ?? (mount.service.schema.release == "4.0"))
    }
    guard let target else { throw CommandError("there is no FHIR service that Observations of devices could go to") }
    var opened: [DeviceMount] = []
    for option in deviceService {
      guard !taken.contains(option.name), !opened.contains(where: { $0.name == option.name }) else {
        throw CommandError("'\(option.name)' is the name of two services")
      }
      var configuration = DeviceConfiguration()
      configuration.resolution = deviceResolution
      do throws(Fault) {
        let service = try await DeviceService(
          target.service, target.service.store, name: "\(target.entrance.workspace)/\(option.name)",
          configuration: configuration, clock: .system)
        opened.append(DeviceMount(name: option.name, service: service, destination: target))
      } catch {
        throw CommandError("the device service '\(option.name)' cannot be opened: \(Self.text(error))")
      }
      guard let service = opened.last?.service else { continue }
      try await DeviceMappingFiles(option.mappings).load(into: service)
    }
    return opened
  }

  private static func text(_ fault: Fault) -> String { fault.reasons.first?.diagnostics ?? fault.category.rawValue }
}
