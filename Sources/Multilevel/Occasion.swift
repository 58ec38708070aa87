/// Which evaluation of an objective this is. Random numbers and batches are keyed by it, so that no two steps share a
/// draw; evaluated twice on one occasion, an objective is the same function.
public struct Occasion: Sendable, Hashable {
    /// Of the level's steps, from 0.
    public var levelStep = 0
    /// Of the player's steps within one of its level's, from 0.
    public var playerStep = 0
    /// Of the parts whose mean is one step's objective, from 0.
    public var part = 0
    /// The process that evaluates.
    public var rank = 0

    public init(levelStep: Int = 0, playerStep: Int = 0, part: Int = 0, rank: Int = 0) {
        self.levelStep = levelStep
        self.playerStep = playerStep
        self.part = part
        self.rank = rank
    }

    /// The place of this evaluation among all those of a player in one pass over the problem, from 0.
    public func index(steps: Int, accumulation: Int) -> Int {
        (levelStep * steps + playerStep) * accumulation + part
    }
}
