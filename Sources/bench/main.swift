import Glibc

do {
  let options = try Options(Array(CommandLine.arguments.dropFirst()))
  if let port = options.staticServerPort {
    try await StaticServer.run(port: port, body: options.staticServerBody ?? "/dev/null")
  } else if options.measuresSearchShapes {
    let table = try SearchBench(options).measureAll()
    for refusal in table.refusals { print("\nREFUSED \(refusal)") }
    if let path = options.record, !table.record(in: path) {
      print("\(path) has no search-bench marks; nothing was recorded")
      exit(1)
    }
    if !table.refusals.isEmpty { exit(1) }
  } else if options.measuresDevices {
    let machine = Machine.description(label: options.label)
    Report.say(machine)
    var bench = try DeviceBench(options)
    try bench.measureAll()
    if let path = options.record, !bench.record(in: path, about: machine) {
      print("\(path) has no device-bench marks; nothing was recorded")
      exit(1)
    }
  } else if options.measuresDICOM {
    let machine = Machine.description(label: options.label)
    Report.say(machine)
    var bench = try DICOMBench(options)
    let table = try bench.measureAll()
    for refusal in table.refusals { print("\nREFUSED \(refusal)") }
    if let path = options.record, !table.record(in: path, about: machine) {
      print("\(path) has no dicom-bench marks; nothing was recorded")
      exit(1)
    }
    if !table.refusals.isEmpty { exit(1) }
  } else {
    let machine = Machine.description(label: options.label)
    Report.say(machine)
    var run = try Run(options, ownPath: "/proc/self/exe")
    try run.measureAll()
    for refusal in run.report.refusals { print("\nREFUSED \(refusal)") }
    run.report.summary = [Machine.today, options.label, "\(options.patients)"] + run.report.summary
    if let path = options.record, !run.report.record(in: path, about: machine) {
      print("\(path) has no bench marks; nothing was recorded")
      exit(1)
    }
    if !run.report.refusals.isEmpty { exit(1) }
  }
} catch let refusal as Options.Refusal {
  print("\(refusal.text)\n\n\(Options.usage)")
  exit(2)
} catch {
  print("bench: \(error)")
  exit(1)
}
