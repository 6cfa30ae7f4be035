public import JSONCore

/// The JSON of Azure's resource model: what the administration answers, and what is kept.
extension Workspace {
  /// - Parameter isShown: with what only a server tells, and without the services, as in an answer; else all of it, as
  ///   it is declared.
  public func write(to writer: inout JSONWriter, isShown: Bool) {
    writer.beginObject()
    if isShown {
      writer.member("id", "/workspaces/\(name)")
      writer.member("type", Self.resourceType)
    }
    writer.member("name", name)
    if let location { writer.member("location", location) }
    if isShown || !tags.isEmpty { writer.texts("tags", tags) }
    if isShown {
      writer.key("properties")
      writer.beginObject()
      writer.member("provisioningState", "Succeeded")
      writer.endObject()
    } else {
      for kind in ServiceDefinition.Kind.allCases {
        let services = services.filter { $0.kind == kind }
        guard !services.isEmpty else { continue }
        writer.key(kind.rawValue)
        writer.beginArray()
        for service in services { service.write(to: &writer, shownIn: nil) }
        writer.endArray()
      }
    }
    writer.endObject()
  }
}

extension ServiceDefinition {
  /// - Parameter workspace: set for an answer, which has what only a server tells besides.
  public func write(to writer: inout JSONWriter, shownIn workspace: String?) {
    writer.beginObject()
    if let workspace {
      writer.member("id", "/workspaces/\(workspace)/\(kind.rawValue)/\(name)")
      writer.member("type", Self.resourceType(kind))
    }
    writer.member("name", name)
    if case .fhir(let fhir) = properties { writer.member("kind", fhir.release.rawValue) }
    if let location { writer.member("location", location) }
    if workspace != nil || !tags.isEmpty { writer.texts("tags", tags) }
    writer.key("properties")
    writer.beginObject()
    if workspace != nil { writer.member("provisioningState", "Succeeded") }
    settings.write(to: &writer)
    switch properties {
    case .fhir(let fhir): fhir.write(to: &writer)
    case .dicom(let dicom): writer.member("enableDataPartitions", dicom.hasPartitions)
    case .iotconnector(let connector): connector.write(to: &writer)
    }
    writer.endObject()
    if case .iotconnector(let connector) = properties { connector.writeDestinations(to: &writer) }
    writer.endObject()
  }
}

extension ServiceSettings {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.member("publicNetworkAccess", isPublic ? "Enabled" : "Disabled")
    if let cors {
      writer.key("corsConfiguration")
      cors.write(to: &writer)
    }
    if !network.isOpen {
      writer.key("networkAccess")
      writer.beginObject()
      writer.list("allow", network.allow.map(\.description))
      writer.list("deny", network.deny.map(\.description))
      writer.endObject()
    }
    if clients != ClientLimits() {
      writer.key("clientLimits")
      writer.beginObject()
      if let rate = clients.requestsPerSecond { writer.member("requestsPerSecond", rate) }
      if let burst = clients.burst { writer.member("burst", burst) }
      if let most = clients.concurrentRequests { writer.member("concurrentRequests", most) }
      writer.endObject()
    }
    authentication?.write(to: &writer)
  }
}

extension CORSConfiguration {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.beginObject()
    // Without origins there is nothing to say: no page may ask, whatever the server's own are.
    if isOn {
      writer.list("origins", origins)
      writer.list("methods", methods)
      writer.list("headers", headers)
      writer.member("maxAge", maxAgeSeconds)
      writer.member("allowCredentials", allowsCredentials)
    }
    writer.endObject()
  }
}

extension AuthenticationConfiguration {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.key("authenticationConfiguration")
    writer.beginObject()
    if let authority { writer.member("authority", authority) }
    if audiences.count == 1, let audience = audiences.first {
      writer.member("audience", audience)
    } else if !audiences.isEmpty {
      writer.list("audiences", audiences)
    }
    if !smartIdentityProviders.isEmpty {
      writer.key("smartIdentityProviders")
      writer.beginArray()
      for provider in smartIdentityProviders { provider.write(to: &writer) }
      writer.endArray()
    }
    if !issuers.isEmpty {
      writer.key("issuers")
      writer.beginArray()
      for issuer in issuers { issuer.write(to: &writer) }
      writer.endArray()
    }
    writer.endObject()
  }
}

extension SMARTIdentityProvider {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("authority", authority)
    writer.key("applications")
    writer.beginArray()
    for application in applications {
      writer.beginObject()
      writer.member("clientId", application.clientID)
      writer.member("audience", application.audience)
      writer.list("allowedDataActions", application.allowedDataActions)
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
  }
}

extension DeclaredIssuer {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("url", url)
    if !audiences.isEmpty { writer.list("audiences", audiences) }
    if !algorithms.isEmpty { writer.list("algorithms", algorithms) }
    if let jwksURL { writer.member("jwksUrl", jwksURL) }
    if !roleClaims.isEmpty { writer.list("roleClaims", roleClaims) }
    writer.endObject()
  }
}

extension FHIRProperties {
  fileprivate func write(to writer: inout JSONWriter) {
    if let versions {
      writer.key("resourceVersionPolicyConfiguration")
      writer.beginObject()
      writer.member("default", versions.standard.rawValue)
      if !versions.ofTypes.isEmpty { writer.texts("resourceTypeOverrides", versions.ofTypes.mapValues(\.rawValue)) }
      writer.endObject()
    }
    if let invariants { writer.member("invariants", invariants.rawValue) }
    guard !limits.isEmpty else { return }
    writer.key("limits")
    writer.beginObject()
    for (name, value) in limits.sorted(by: { $0.key < $1.key }) {
      writer.key(name)
      writer.number(value)
    }
    writer.endObject()
  }
}

extension IoTConnectorProperties {
  fileprivate func write(to writer: inout JSONWriter) {
    if let ingestion {
      writer.key("ingestionEndpointConfiguration")
      writer.beginObject()
      if let name = ingestion.eventHubName { writer.member("eventHubName", name) }
      if let group = ingestion.consumerGroup { writer.member("consumerGroup", group) }
      if let host = ingestion.fullyQualifiedEventHubNamespace { writer.member("fullyQualifiedEventHubNamespace", host) }
      writer.endObject()
    }
    if let deviceMapping { Self.write(content: deviceMapping, as: "deviceMapping", to: &writer) }
  }

  fileprivate func writeDestinations(to writer: inout JSONWriter) {
    guard !destinations.isEmpty else { return }
    writer.key("fhirdestinations")
    writer.beginArray()
    for destination in destinations {
      writer.beginObject()
      writer.member("name", destination.name)
      writer.key("properties")
      writer.beginObject()
      writer.member("fhirServiceResourceId", destination.fhirService)
      writer.member("resourceIdentityResolutionType", destination.resolution.rawValue)
      Self.write(content: destination.fhirMapping, as: "fhirMapping", to: &writer)
      writer.endObject()
      writer.endObject()
    }
    writer.endArray()
  }

  private static func write(content: String, as name: String, to writer: inout JSONWriter) {
    writer.key(name)
    writer.beginObject()
    writer.key("content")
    writer.raw(Array(content.utf8))
    writer.endObject()
  }
}

extension JSONWriter {
  /// A list of texts.
  fileprivate mutating func list(_ name: StaticString, _ texts: [String]) {
    key(name)
    beginArray()
    for text in texts { string(text) }
    endArray()
  }

  /// A mapping of names to texts, in the order of the names.
  fileprivate mutating func texts(_ name: StaticString, _ texts: [String: String]) {
    key(name)
    beginObject()
    for (name, text) in texts.sorted(by: { $0.key < $1.key }) {
      key(name)
      string(text)
    }
    endObject()
  }
}
