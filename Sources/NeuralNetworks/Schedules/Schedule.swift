import Foundation

/// How a learning rate changes while a model is trained.
public protocol Schedule: Sendable {
    /// The learning rate at a time.
    ///
    /// - Parameters:
    ///   - initial: the first learning rate.
    ///   - time: of the step.
    func rate(from initial: Double, at time: TrainingTime) -> Double

    /// Checks that the schedule can begin at a learning rate. By default it can.
    ///
    /// - Throws: any error; its description says what does not fit.
    func validate(from initial: Double) throws
}

extension Schedule {
    public func validate(from initial: Double) throws {}
}

/// Why a schedule cannot begin at a learning rate.
public struct ScheduleError: Error, Hashable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}

/// The first learning rate throughout.
public struct ConstantSchedule: Schedule, Hashable {
    public init() {}

    public func rate(from initial: Double, at time: TrainingTime) -> Double { initial }
}

/// Cosine decay without restarts over the epochs of a stage (Loshchilov and Hutter, 2017, Eq. 5), stepped once an
/// epoch.
public struct CosineSchedule: Schedule, Hashable {
    /// The learning rate that the decay would end at after the last epoch.
    public var minimum: Double

    public init(minimum: Double = 0) { self.minimum = minimum }

    public func validate(from initial: Double) throws {
        guard minimum <= initial else {
            throw ScheduleError(
                "a cosine decays from the rate \(initial) to its minimum \(minimum), expected a minimum of at most "
                    + "the rate")
        }
    }

    public func rate(from initial: Double, at time: TrainingTime) -> Double {
        minimum + (initial - minimum)
            * (1 + cos(.pi * Double(time.epoch) / Double(max(time.epochs, 1)))) / 2
    }
}
