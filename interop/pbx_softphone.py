"""A softphone of Debian with its recipe, and the gateway that it comes to."""
from tests.harness import recipe

SPOKEN = 440   # Hz


class Site:
    """start(): the phone, once the gateway is there."""

    def __init__(self, world, conf, start):
        self.world, self.phone = world, None
        trunk, = recipe.fill([conf], {})
        try:
            world.start_gateway(trunk)
            self.phone = start()
        except Exception:
            self.stop()
            raise

    def stop(self):
        try:
            if self.phone:
                self.phone.stop()
        finally:
            self.world.stop_gateway()
