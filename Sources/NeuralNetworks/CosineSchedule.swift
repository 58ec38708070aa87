import Foundation

/// Cosine decay without restarts (Loshchilov and Hutter, 2017, Eq. 5), stepped once an epoch.
public struct CosineSchedule: Sendable, Hashable {
    public var initial: Double
    public var minimum: Double
    public var epochs: Int

    public init(initial: Double, minimum: Double, epochs: Int) {
        self.initial = initial
        self.minimum = minimum
        self.epochs = epochs
    }

    /// The learning rate of an epoch, the first being 0.
    public func rate(epoch: Int) -> Double {
        minimum + (initial - minimum) * (1 + cos(.pi * Double(epoch) / Double(max(epochs, 1)))) / 2
    }
}
