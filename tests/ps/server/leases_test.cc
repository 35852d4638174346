#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "common/error.h"
#include "common/random.h"
#include "ps/server/lease_manager.h"

namespace zhiyin::ps::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::vector<uint64_t> TakeAll(RangeLeases* leases, int worker) {
  std::vector<uint64_t> ranges;
  while (const std::optional<RangeGrant> grant = leases->Take(worker)) {
    EXPECT_EQ(grant->n_before, ranges.size());
    ranges.push_back(grant->range);
  }
  return ranges;
}

TEST(RangeLeases, HandsOutInFileOrderOrShuffledByEpoch) {
  RangeLeases leases(7, 1);
  std::vector<std::vector<uint64_t>> orders;
  for (uint64_t epoch = 0; epoch < 3; ++epoch) {
    leases.Enter(epoch, 8, epoch == 0);
    orders.push_back(TakeAll(&leases, 0));
    leases.Finish(0, orders.back());
    EXPECT_EQ(std::set(orders.back().begin(), orders.back().end()).size(), 8u);
  }
  EXPECT_THAT(orders[0], ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_NE(orders[1], orders[0]);
  EXPECT_NE(orders[1], orders[2]);
  RangeLeases again(7, 1);
  again.Enter(1, 8, false);
  EXPECT_EQ(TakeAll(&again, 0), orders[1]);
}

TEST(RangeLeases, AWorkerGetsWhatItHoldsThenWhatNoneHoldsThenOthers) {
  RangeLeases leases(1, 3);
  leases.Enter(0, 8, true);
  leases.Hold(0, {6, 7});
  leases.Hold(1, {0, 1, 2, 6});
  EXPECT_EQ(leases.Take(0)->range, 6u);
  EXPECT_EQ(leases.Take(0)->range, 7u);
  EXPECT_EQ(leases.Take(0)->range, 3u);
  EXPECT_EQ(leases.Take(2)->range, 4u);
  EXPECT_EQ(leases.Take(0)->range, 5u);
  EXPECT_EQ(leases.Take(0)->range, 2u) << "the last that worker 1 would come to";
  EXPECT_EQ(leases.Take(1)->range, 0u);
  EXPECT_EQ(leases.Take(1)->range, 1u);
  EXPECT_FALSE(leases.Take(1).has_value());
}

TEST(RangeLeases, RefusesWhatNoHonestWorkerSays) {
  RangeLeases leases(1, 2);
  leases.Enter(0, 3, true);
  leases.Take(0);
  EXPECT_THAT([&] { leases.Enter(0, 4, true); },
              ThrowsMessage<Error>(HasSubstr("4 ranges, others say 3")));
  EXPECT_THAT([&] { leases.Enter(1, 3, true); },
              ThrowsMessage<Error>(HasSubstr("3 ranges to finish")));
  EXPECT_THAT([&] { leases.Finish(1, {0}); }, ThrowsMessage<Error>(HasSubstr("does not work on")));
  EXPECT_THAT([&] { leases.Finish(0, {1}); }, ThrowsMessage<Error>(HasSubstr("does not work on")));
  EXPECT_THAT([&] { leases.Finish(0, {3}); }, ThrowsMessage<Error>(HasSubstr("range 3 of 3")));
  EXPECT_THAT([&] { leases.Hold(0, {1, 1}); }, ThrowsMessage<Error>(HasSubstr("ascending")));
  EXPECT_THAT([&] { RangeLeases(1, 1).Enter(0, 1 << 21, true); },
              ThrowsMessage<Error>(HasSubstr("at most")));
  leases.Finish(0, {0});
  EXPECT_THAT([&] { leases.Finish(0, {0}); }, ThrowsMessage<Error>(HasSubstr("does not work on")));
}

/// Workers that take, finish and die at random; the job dies with them and is resumed from what was
/// finished.
TEST(RangeLeases, AResumedJobGrantsEachUnfinishedRangeOnce) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const int n_workers = 1 + static_cast<int>(random.Below(5));
    const uint64_t n_ranges = random.Below(40);
    const bool in_file_order = random.Below(2) == 0;
    RangeLeases leases(seed, n_workers);
    std::map<uint64_t, int> n_finished;
    std::set<uint64_t> tickets;
    bool died = true;
    while (died) {
      leases.Enter(3, n_ranges, in_file_order);
      std::vector<std::vector<uint64_t>> held(static_cast<size_t>(n_workers));
      for (uint64_t r = 0; r < n_ranges; ++r) {
        if (random.Below(2) == 0) held[random.Below(held.size())].push_back(r);
      }
      for (int w = 0; w < n_workers; ++w) leases.Hold(w, held[static_cast<size_t>(w)]);
      died = false;
      std::set<uint64_t> taken_in_this_life;
      std::vector<std::vector<uint64_t>> in_work(static_cast<size_t>(n_workers));
      while (!died && (leases.n_left() > 0 || leases.n_finished() < n_ranges)) {
        const size_t worker = random.Below(in_work.size());
        EXPECT_TRUE(tickets.insert(leases.TakeTicket()).second);
        if (random.Below(2) == 0) {
          if (const std::optional<RangeGrant> grant = leases.Take(static_cast<int>(worker))) {
            EXPECT_TRUE(taken_in_this_life.insert(grant->range).second) << "handed out twice";
            EXPECT_EQ(n_finished[grant->range], 0) << "was finished";
            in_work[worker].push_back(grant->range);
          }
        } else if (!in_work[worker].empty()) {
          leases.Finish(static_cast<int>(worker), {in_work[worker].back()});
          ++n_finished[in_work[worker].back()];
          in_work[worker].pop_back();
        }
        died = random.Below(30) == 0;
      }
      if (!died) continue;
      LeaseRequest left;
      left.kind = LeaseKind::kResume;
      left.epoch = 3;
      left.n_ranges = n_ranges;
      left.in_file_order = in_file_order;
      left.next_ticket = tickets.empty() ? 0 : *tickets.rbegin() + 1;
      for (const auto& [range, n] : n_finished) {
        if (n > 0) left.done.push_back({range, 7, true});
      }
      leases = RangeLeases(seed, n_workers);
      leases.Resume(LeaseRequest::Parse(left.Serialize()));
      EXPECT_EQ(leases.n_left(), n_ranges - leases.n_finished());
    }
    for (uint64_t r = 0; r < n_ranges; ++r) EXPECT_EQ(n_finished[r], 1) << "range " << r;
  }
}

TEST(RangeLeases, OfARangeThatWasBegunTheRestIsHandedOut) {
  RangeLeases leases(1, 1);
  LeaseRequest left;
  left.n_ranges = 3;
  left.in_file_order = true;
  left.next_ticket = 40;
  left.done = {{0, 5, true}, {1, 2, false}};
  leases.Resume(left);
  leases.Enter(0, 3, true);
  const std::optional<RangeGrant> begun = leases.Take(0);
  EXPECT_EQ(begun->range, 1u);
  EXPECT_EQ(begun->n_done, 2u);
  EXPECT_EQ(leases.Take(0)->n_done, 0u);
  EXPECT_FALSE(leases.Take(0));
  EXPECT_EQ(leases.TakeTicket(), 40u);
  leases.Finish(0, {1, 2});
  leases.Enter(1, 3, true);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(leases.Take(0)->n_done, 0u) << "nothing of the next epoch is done";

  EXPECT_THAT([&] { leases.Resume(left); }, ThrowsMessage<Error>(HasSubstr("has begun")));
  left.done = {{1, 2, false}, {1, 2, false}};
  EXPECT_THAT([&] { RangeLeases(1, 1).Resume(left); },
              ThrowsMessage<Error>(HasSubstr("range 1 of 3 is done, expected ascending")));
  left.done = {{3, 2, false}};
  EXPECT_THAT([&] { RangeLeases(1, 1).Resume(left); },
              ThrowsMessage<Error>(HasSubstr("range 3 of 3")));
}

TEST(RoundOwners, WithEqualSpeedsNothingMoves) {
  RoundOwners rounds(2);
  for (uint64_t round = 0; round < 5; ++round) {
    for (int worker = 0; worker < 2; ++worker)
      EXPECT_THAT(rounds.Owners(worker, round, 4, 0.010 + 0.001 * worker), ElementsAre(0, 1, 0, 1));
  }
}

TEST(RoundOwners, ASlowWorkerGetsLessAndGetsItBack) {
  RoundOwners rounds(2);
  rounds.Owners(0, 0, 8, 0);
  rounds.Owners(1, 0, 8, 0);
  rounds.Owners(0, 1, 8, 0.01);
  EXPECT_THAT(rounds.Owners(1, 1, 8, 0.04), ElementsAre(0, 1, 0, 1, 0, 1, 0, 1))
      << "fixed before it was known";
  EXPECT_THAT(rounds.Owners(0, 2, 8, 0.01), ElementsAre(0, 1, 0, 1, 0, 0, 0, 0)) << "6 against 2";
  EXPECT_THAT(rounds.Owners(1, 2, 8, 0.01), ElementsAre(0, 1, 0, 1, 0, 0, 0, 0))
      << "for all the same";
  const std::vector<uint32_t> owners = rounds.Owners(1, 3, 8, 0.01);
  EXPECT_EQ(std::count(owners.begin(), owners.end(), 1u), 4);
}

TEST(RoundOwners, TheSlowestKeepsOneSlice) {
  RoundOwners rounds(3);
  for (int worker = 0; worker < 3; ++worker) rounds.Owners(worker, 0, 6, worker == 1 ? 100 : 0.01);
  const std::vector<uint32_t> owners = rounds.Owners(0, 1, 6, 0.01);
  EXPECT_EQ(std::count(owners.begin(), owners.end(), 1u), 1);
}

TEST(RoundOwners, AWorkerWithoutSlicesMayBeAnEpochAhead) {
  RoundOwners rounds(3);
  for (uint64_t epoch = 0; epoch < 3; ++epoch) {
    for (uint64_t round = 4 * epoch; round < 4 * epoch + 4; ++round)
      EXPECT_THAT(rounds.Owners(2, round, 2, 0), ElementsAre(0, 1));
    for (uint64_t round = 4 * epoch; round < 4 * epoch + 4; ++round) {
      for (const int worker : {0, 1})
        EXPECT_THAT(rounds.Owners(worker, round, 2, 0.01), ElementsAre(0, 1)) << round;
    }
  }
}

TEST(RoundOwners, RefusesWhatNoHonestWorkerSays) {
  RoundOwners rounds(2);
  rounds.Owners(0, 5, 4, 0);
  EXPECT_THAT([&] { rounds.Owners(0, 7, 4, 0); },
              ThrowsMessage<Error>(HasSubstr("round 7 of the slices, expected 5 to 6")));
  EXPECT_THAT([&] { rounds.Owners(0, 4, 4, 0); }, ThrowsMessage<Error>(HasSubstr("round 4")));
  EXPECT_THAT([&] { rounds.Owners(0, 5, 3, 0); },
              ThrowsMessage<Error>(HasSubstr("3 slices, others say 4")));
  EXPECT_THAT([&] { rounds.Owners(0, 5, 4, -1); }, ThrowsMessage<Error>(HasSubstr("takes -1 s")));
  for (const double seconds : {1e308, 1.1e9, HUGE_VAL, std::nan("")}) {
    EXPECT_THAT([&] { rounds.Owners(1, 5, 4, seconds); },
                ThrowsMessage<Error>(::testing::AllOf(
                    HasSubstr("worker 1 takes "), HasSubstr("for a slice, expected 0 to 1e+09"))));
  }
}

TEST(RoundOwners, ComesToAnEndWithAnyTimes) {
  // The product of 1.25 and 2 of these is rounded to 2 of them, so that every move seems a gain.
  constexpr double kLeast = std::numeric_limits<double>::denorm_min();
  for (const double seconds : {kLeast, 1e-300, 1e9}) {
    RoundOwners rounds(2);
    for (const int worker : {0, 1}) rounds.Owners(worker, 0, 3, seconds);
    EXPECT_EQ(rounds.Owners(0, 1, 3, seconds).size(), 3u);
  }
}

}  // namespace
}  // namespace zhiyin::ps::server
