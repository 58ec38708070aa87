public struct RandomStream: Sendable {}
