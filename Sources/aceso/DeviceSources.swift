import DeviceKafka
import DeviceMQTT
import DeviceService
import Server

/// The brokers that the device services take messages from, while they run.
struct DeviceSources: Sendable {
  private var kafka: [KafkaSource] = []
  private var mqtt: [MQTTSource] = []

  init(_ options: [DeviceSourceOption], for mounts: [DeviceMount]) throws {
    for option in options {
      guard let mount = mounts.first(where: { $0.name == option.service }) else {
        throw CommandError("there is no device service '\(option.service)' that messages could go to")
      }
      switch option.kind {
      case .kafka:
        let configuration = try option.kafka()
        do throws(KafkaError) {
          kafka.append(try KafkaSource(configuration, for: mount.service))
        } catch {
          throw CommandError("messages cannot be taken from \(option.host): \(error)")
        }
      case .mqtt: mqtt.append(MQTTSource(try option.mqtt(), for: mount.service))
      }
    }
  }

  func start() throws {
    for source in mqtt { source.start() }
    for source in kafka {
      do throws(KafkaError) { try source.start() } catch { throw CommandError("\(error)") }
    }
  }

  /// Returns when what is under way is durable.
  func stop() async {
    for source in mqtt { await source.stop() }
    for source in kafka { await source.stop() }
  }
}
