extension Course {
  /// Orders a drug; an earlier order of it is fulfilled then.
  mutating func order(_ drug: Drug, in place: Int, reason: Int?) {
    if let earlier = latestOrder[drug.rawValue] { record.medications[earlier].status = .completed }
    let authored = record.encounters[place].start
    let minutes = record.encounters[place].kind == .inpatient ? 0 : 600
    record.medications.append(
      PatientRecord.MedicationRequest(
        identity: Identity(.medicationRequest, from: &identities), claim: Identity(.claim, from: &identities),
        drug: drug, encounter: place,
        authored: min(authored.advanced(bySeconds: minutes), record.encounters[place].end),
        reason: reason, status: .active))
    latestOrder[drug.rawValue] = record.medications.count - 1
  }

  /// Orders again what has run for most of a year, as long as the reason lasts.
  mutating func renewOrders(in place: Int) {
    let day = record.encounters[place].start.day
    for item in lasting where item.isActive(onDay: day) {
      guard let condition = item.condition else { continue }
      for drug in Problem.table[item.problem].drugs {
        guard let latest = latestOrder[drug.rawValue], record.medications[latest].reason == condition,
          day - record.medications[latest].authored.day >= 300
        else { continue }
        order(drug, in: place, reason: condition)
      }
    }
  }

  /// What is still open at the end: stopped by death, completed by time, or running on.
  mutating func closeOrders() {
    let endDay = person.end.day
    for index in record.medications.indices where record.medications[index].status == .active {
      let item = record.medications[index]
      let lastingReason = item.reason.flatMap { reason in lasting.first { $0.condition == reason } }
      if let lastingReason, lastingReason.isActive(onDay: endDay) {
        if person.isDeceased { record.medications[index].status = .stopped }
      } else if person.isDeceased || item.authored.day + Drug.table[item.drug].days < endDay || lastingReason != nil {
        record.medications[index].status = .completed
      }
    }
  }

  /// Whether the latest measurement meets each goal.
  mutating func judgeGoals() {
    for index in record.goals.indices {
      let goal = record.goals[index]
      let measured = goal.measurement == .systolic ? Measurement.bloodPressure : goal.measurement
      guard let latest = record.observations.last(where: { $0.measurement == measured }) else { continue }
      switch latest.value {
      case .quantity(let value): record.goals[index].isAchieved = value.value <= goal.isAtMost.value
      case .bloodPressure(let systolic, _):
        record.goals[index].isAchieved = Double(systolic) <= goal.isAtMost.value
      case .concept: break
      }
    }
  }
}
