#include "ps/server/lease_manager.h"
#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"

namespace zhiyin::fuzz {

/// The state of a resumed job, as the chief sends it; the remaining ranges are then worked off.
int FuzzLeases(const uint8_t* data, size_t size) {
  Judge("", [&] {
    ps::server::RangeLeases leases(1, 2);
    leases.Resume(ps::LeaseRequest::Parse({reinterpret_cast<const char*>(data), size}));
    for (int worker = 0; const std::optional<ps::RangeGrant> grant = leases.Take(worker);
         worker = 1 - worker)
      leases.Finish(worker, {grant->range});
    leases.TakeTicket();
  });
  return 0;
}

std::vector<std::string> LeasesSeeds() {
  ps::LeaseRequest left;
  left.kind = ps::LeaseKind::kResume;
  std::vector<std::string> seeds = {left.Serialize()};
  left.epoch = 3;
  left.n_ranges = 9;
  seeds.push_back(left.Serialize());
  left.next_ticket = 5;
  left.done = {{1, 4, true}, {2, 3, false}};
  seeds.push_back(left.Serialize());
  return seeds;
}

}  // namespace zhiyin::fuzz
