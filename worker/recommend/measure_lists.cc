#include "worker/recommend/measure_lists.h"

#include <memory>
#include <unordered_set>
#include <utility>

#include "common/error.h"
#include "common/in_parallel.h"
#include "common/text.h"
#include "worker/recommend/baselines.h"

namespace zhiyin::worker::recommend {
namespace {

constexpr int kNeighbours = 100;
constexpr int kFactors = 32;

/// The users to measure, with the items that would be hits.
struct HeldOut {
  std::vector<int> users;
  std::vector<std::vector<int>> relevant;  // [users]
  std::vector<std::string> left_out;       // see ListMeasure
};

/// "left out: 3 of 8 users: 2 A, 1 B", with the reasons whose number is not 0; "" where all are.
std::string LeftOutLine(int64_t n_all, const std::string& what,
                        const std::vector<std::pair<int64_t, std::string>>& reasons) {
  int64_t n_left_out = 0;
  std::string why;
  for (const auto& [n, reason] : reasons) {
    n_left_out += n;
    if (n > 0) why += (why.empty() ? "" : ", ") + std::to_string(n) + " " + reason;
  }
  if (n_left_out == 0) return "";
  return TextOf("left out: ", n_left_out, " of ", n_all, " ", what, ": ", why);
}

HeldOut FindHeldOut(const data::Behaviour& behaviour, const CandidateItems& candidates) {
  HeldOut found;
  const std::vector<bool> not_given = candidates.ExcludedFor(-1);
  int64_t n_events = 0;
  int64_t n_not_given = 0;
  int64_t n_seen = 0;
  int64_t n_again = 0;
  int64_t n_users_without = 0;
  int64_t n_users_none_left = 0;
  for (int u = 0; u < behaviour.n_users(); ++u) {
    const std::vector<bool> excluded = candidates.ExcludedFor(u);
    std::vector<int> own;
    std::unordered_set<size_t> found_own;
    for (const int number : behaviour.held_out(u)) {
      const size_t item = static_cast<size_t>(number);
      ++n_events;
      if (not_given[item]) {
        ++n_not_given;
      } else if (excluded[item]) {
        ++n_seen;
      } else if (!found_own.insert(item).second) {
        ++n_again;
      } else {
        own.push_back(number);
      }
    }
    if (own.empty()) {
      ++(behaviour.held_out(u).empty() ? n_users_without : n_users_none_left);
      continue;
    }
    found.users.push_back(u);
    found.relevant.push_back(std::move(own));
  }
  if (n_events == 0)
    Fail(
        "recommend --measure: no event is held out, expected data.behaviour with last, from_time "
        "or share that holds out some of its ",
        behaviour.n_events(),
        " events (last holds out none of a user who has no more events than that)");
  for (const std::string& line :
       {LeftOutLine(n_events, "held-out events",
                    {{n_seen,
                      "of items that the user has training events with (with --seen they "
                      "can be in lists)"},
                     {n_not_given, "of items that are not given (--items)"},
                     {n_again, "of items that the user has another held-out event with"}}),
        LeftOutLine(behaviour.n_users(), "users",
                    {{n_users_without, "without a held-out event"},
                     {n_users_none_left, "whose held-out events are all left out"}})}) {
    if (!line.empty()) found.left_out.push_back(line);
  }
  if (found.users.empty())
    Fail("recommend --measure: no held-out event is left to measure: ", found.left_out[0]);
  return found;
}

}  // namespace

std::vector<std::vector<Recommended>> ListsFor(const Recommender& recommender,
                                               const std::vector<AskedUser>& users) {
  return InParallel<std::vector<Recommended>>(users.size(), [&] {
    auto session = std::make_shared<Recommender::Session>(recommender);
    return [session, &users](size_t i) { return session->For(users[i]); };
  });
}

ListMeasure MeasureLists(const Recommender& recommender, const std::string& model_name) {
  const data::Behaviour& behaviour = recommender.behaviour();
  const CandidateItems& candidates = recommender.candidates();
  const int k = recommender.k();
  HeldOut held_out = FindHeldOut(behaviour, candidates);
  const std::vector<int>& users = held_out.users;
  std::vector<int64_t> counts;
  for (int i = 0; i < behaviour.n_items(); ++i) counts.push_back(behaviour.count(i));
  ListMeasure measure;
  const auto add = [&](const std::string& name, const std::vector<std::vector<int>>& lists) {
    model::metric::ListTally tally(k, counts, candidates.n());
    for (size_t i = 0; i < users.size(); ++i) tally.Add(lists[i], held_out.relevant[i]);
    measure.rows.push_back({name, tally.Compute()});
  };
  std::vector<std::unique_ptr<Baseline>> baselines;
  baselines.push_back(MakeMostPopular(behaviour));
  baselines.push_back(MakeItemNeighbours(behaviour, kNeighbours));
  baselines.push_back(MakeImplicitFactorization(behaviour, kFactors, 10, 10, 10));
  if (auto content = MakeContentOnly(behaviour)) baselines.push_back(std::move(content));
  for (const auto& baseline : baselines) {
    add(baseline->name(), InParallel<std::vector<int>>(users.size(), [&] {
          std::vector<float> scores(static_cast<size_t>(behaviour.n_items()));
          return [&, scores](size_t i) mutable {
            return BestItems(*baseline, users[i], k, candidates.ExcludedFor(users[i]), scores);
          };
        }));
  }
  std::vector<AskedUser> asked;
  for (const int user : users) asked.push_back({.number = user});
  std::vector<std::vector<int>> own;
  for (const std::vector<Recommended>& list : ListsFor(recommender, asked)) {
    std::vector<int>& items = own.emplace_back();
    for (const Recommended& one : list) items.push_back(one.item);
  }
  add(model_name, own);
  measure.left_out = std::move(held_out.left_out);
  return measure;
}

}  // namespace zhiyin::worker::recommend
