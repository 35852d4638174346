#include "ps/leases.h"
#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"

namespace zhiyin::fuzz {

/// The saved form of a book, which is then worked off.
int FuzzLeases(const uint8_t* data, size_t size) {
  Judge("book of leases", [&] {
    ps::LeaseBook book(1, 2);
    book.Restore({reinterpret_cast<const char*>(data), size});
    for (int worker = 0; const std::optional<ps::RangeGrant> grant = book.Take(worker); worker = 1 - worker)
      book.Finish(worker, {grant->range});
    book.TakeTicket();
  });
  return 0;
}

std::vector<std::string> LeasesSeeds() {
  ps::LeaseBook book(1, 2);
  std::vector<std::string> seeds = {book.Serialize()};
  book.Enter(3, 9, false);
  seeds.push_back(book.Serialize());
  for (int i = 0; i < 4; ++i) book.Finish(0, {book.Take(0)->range});
  book.Take(1);
  book.TakeTicket();
  seeds.push_back(book.Serialize());
  return seeds;
}

}  // namespace zhiyin::fuzz
