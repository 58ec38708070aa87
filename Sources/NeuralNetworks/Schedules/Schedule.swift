import Foundation

/// How a learning rate changes while a model is trained.
public protocol Schedule: Sendable {
    /// The learning rate at a time.
    ///
    /// - Parameter initial: the first learning rate.
    func rate(from initial: Double, at time: TrainingTime) -> Double
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

    public func rate(from initial: Double, at time: TrainingTime) -> Double {
        minimum + (initial - minimum)
            * (1 + cos(.pi * Double(time.epoch) / Double(max(time.epochs, 1)))) / 2
    }
}
