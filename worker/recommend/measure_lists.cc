#include "worker/recommend/measure_lists.h"

#include <algorithm>
#include <memory>

#include "common/error.h"
#include "common/in_parallel.h"
#include "worker/recommend/baselines.h"

namespace zhiyin::worker::recommend {
namespace {

constexpr int kNeighbours = 100;
constexpr int kFactors = 32;

}  // namespace

std::vector<std::vector<Recommended>> ListsFor(const Recommender& recommender,
                                               const std::vector<int>& users) {
  return InParallel<std::vector<Recommended>>(users.size(), [&] {
    auto session = std::make_shared<Recommender::Session>(recommender);
    return [session, &users](size_t i) { return session->For(users[i]); };
  });
}

std::vector<MeasuredLists> MeasureLists(const Recommender& recommender,
                                        const RecommendOptions& options,
                                        const std::string& model_name) {
  const data::Behaviour& behaviour = recommender.behaviour();
  std::vector<int> users;
  std::vector<std::vector<int>> relevant;
  for (int u = 0; u < behaviour.n_users(); ++u) {
    std::vector<bool> seen(static_cast<size_t>(behaviour.n_items()));
    if (options.exclude_seen) {
      for (const data::Behaviour::Event& event : behaviour.events(u))
        seen[static_cast<size_t>(event.item)] = true;
    }
    std::vector<int> own;
    for (const data::Behaviour::Event& event : behaviour.held_out(u)) {
      if (!seen[static_cast<size_t>(event.item)] &&
          std::find(own.begin(), own.end(), event.item) == own.end())
        own.push_back(event.item);
    }
    if (own.empty()) continue;
    users.push_back(u);
    relevant.push_back(std::move(own));
  }
  if (users.empty())
    Fail(
        "recommend --measure: no event is held out, expected data.behaviour with last, from_time "
        "or share");
  std::vector<int64_t> counts;
  for (int i = 0; i < behaviour.n_items(); ++i) counts.push_back(behaviour.count(i));
  std::vector<MeasuredLists> rows;
  const auto add = [&](const std::string& name, const std::vector<std::vector<int>>& lists) {
    model::metric::ListTally tally(options.k, counts);
    for (size_t i = 0; i < users.size(); ++i) tally.Add(lists[i], relevant[i]);
    rows.push_back({name, tally.Compute()});
  };
  std::vector<std::unique_ptr<Baseline>> baselines;
  baselines.push_back(MakeMostPopular(behaviour));
  baselines.push_back(MakeItemNeighbours(behaviour, kNeighbours));
  baselines.push_back(MakeImplicitFactorization(behaviour, kFactors, 10, 10, 10));
  if (auto content = MakeContentOnly(behaviour)) baselines.push_back(std::move(content));
  for (const auto& baseline : baselines) {
    add(baseline->name(), InParallel<std::vector<int>>(users.size(), [&] {
          std::vector<float> scores(static_cast<size_t>(behaviour.n_items()));
          return [&behaviour, &users, &options, &baseline, scores](size_t i) mutable {
            return BestUnseen(behaviour, *baseline, users[i], options.k, options.exclude_seen,
                              scores);
          };
        }));
  }
  std::vector<std::vector<int>> own;
  for (const std::vector<Recommended>& list : ListsFor(recommender, users)) {
    std::vector<int>& items = own.emplace_back();
    for (const Recommended& one : list) items.push_back(one.item);
  }
  add(model_name, own);
  return rows;
}

}  // namespace zhiyin::worker::recommend
