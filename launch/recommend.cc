#include "launch/recommend.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/config.h"
#include "common/error.h"
#include "common/file.h"
#include "common/partitioner.h"
#include "launch/output_folder.h"
#include "launch/saved.h"
#include "launch/serve/served_model.h"
#include "ps/checkpoint.h"
#include "ps/table.h"
#include "worker/data/line_reader.h"
#include "worker/metric/list_metrics.h"
#include "worker/recommend/baselines.h"
#include "worker/saved_model.h"

namespace zhiyin::launch {
namespace {

using worker::Behaviour;
using worker::Recommended;
using worker::Recommender;

constexpr int kNeighbours = 100;
constexpr int kFactors = 32;

/// make(i) for i in [0, n), each thread with what begin() gives it; the results by i. The first failure is thrown.
template <typename Result, typename Begin>
std::vector<Result> InParallel(size_t n, const Begin& begin) {
  std::vector<Result> results(n);
  std::atomic<size_t> next = 0;
  const size_t n_threads = std::clamp<size_t>(std::thread::hardware_concurrency(), 1, std::max<size_t>(n, 1));
  std::vector<std::exception_ptr> failures(n_threads);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < n_threads; ++t) {
    threads.emplace_back([&, t] {
      try {
        auto make = begin();
        for (size_t i = next++; i < n; i = next++) results[i] = make(i);
      } catch (...) {
        failures[t] = std::current_exception();
        next = n;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  return results;
}

std::vector<std::vector<Recommended>> Lists(const Recommender& recommender, const std::vector<int>& users) {
  return InParallel<std::vector<Recommended>>(users.size(), [&] {
    auto session = std::make_shared<Recommender::Session>(recommender);
    return [session, &users](size_t i) { return session->For(users[i]); };
  });
}

std::vector<int> UsersOf(const std::string& users, const Behaviour& behaviour) {
  std::vector<int> numbers;
  if (users == "all") {
    for (int u = 0; u < behaviour.n_users(); ++u) numbers.push_back(u);
    return numbers;
  }
  worker::LineReader reader(users);
  worker::Line line;
  while (reader.Next(&line)) {
    const int user = behaviour.FindUser(line.text);
    if (user < 0)
      Fail(users, ":", line.number, ": no user \"", line.text, "\" among the ", behaviour.n_users(),
           " users of data.train, expected one of them a line");
    numbers.push_back(user);
  }
  return numbers;
}

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.6g", value);
  return text;
}

std::string TsvLines(const Behaviour& behaviour, int user, const std::vector<Recommended>& list) {
  std::string text;
  for (size_t r = 0; r < list.size(); ++r) {
    std::string because;
    for (const int item : list[r].because) because += (because.empty() ? "" : "|") + behaviour.item(item);
    text += behaviour.user(user) + "\t" + std::to_string(r + 1) + "\t" + behaviour.item(list[r].item) + "\t" +
            Number(list[r].score) + "\t" + because + "\n";
  }
  return text;
}

std::string TableLine(const std::string& name, const worker::ListMetrics& m) {
  char text[256];
  std::snprintf(text, sizeof(text), "%-24s %6lld  %.4f (%.4f-%.4f)  %.4f (%.4f-%.4f)  %.4f  %.4f  %8.3f  %7.2f\n", name.c_str(),
                static_cast<long long>(m.n_users), m.recall.mean, m.recall.low, m.recall.high, m.ndcg.mean, m.ndcg.low,
                m.ndcg.high, m.hit_rate.mean, m.mrr.mean, m.coverage, m.novelty);
  return text;
}

/// Lists for everybody with a held-out event, by the model and by what it is measured against.
std::string Measure(const Recommender& recommender, const RecommendCommand& command, const std::string& model_name) {
  const Behaviour& behaviour = recommender.behaviour();
  std::vector<int> users;
  std::vector<std::vector<int>> relevant;
  for (int u = 0; u < behaviour.n_users(); ++u) {
    std::vector<bool> seen(static_cast<size_t>(behaviour.n_items()));
    if (command.options.exclude_seen) {
      for (const Behaviour::Event& event : behaviour.events(u)) seen[static_cast<size_t>(event.item)] = true;
    }
    std::vector<int> own;
    for (const Behaviour::Event& event : behaviour.held_out(u)) {
      if (!seen[static_cast<size_t>(event.item)] && std::find(own.begin(), own.end(), event.item) == own.end())
        own.push_back(event.item);
    }
    if (own.empty()) continue;
    users.push_back(u);
    relevant.push_back(std::move(own));
  }
  if (users.empty()) Fail("recommend --measure: no event is held out, expected data.behaviour with last, from_time or share");
  std::vector<int64_t> counts;
  for (int i = 0; i < behaviour.n_items(); ++i) counts.push_back(behaviour.count(i));
  const int k = command.options.k;
  const std::string at = "@" + std::to_string(k);
  char head[256];
  std::snprintf(head, sizeof(head), "%-24s %6s  %-22s  %-22s  %-6s  %-6s  %8s  %7s\n", "lists by", "users", ("Recall" + at).c_str(),
                ("NDCG" + at).c_str(), "hits", "MRR", "coverage", "novelty");
  std::string table = head;
  const auto add = [&](const std::string& name, const std::vector<std::vector<int>>& lists) {
    worker::ListTally tally(k, counts);
    for (size_t i = 0; i < users.size(); ++i) tally.Add(lists[i], relevant[i]);
    table += TableLine(name, tally.Compute());
  };
  std::vector<std::unique_ptr<worker::Baseline>> baselines;
  baselines.push_back(worker::MakeMostPopular(behaviour));
  baselines.push_back(worker::MakeItemNeighbours(behaviour, kNeighbours));
  baselines.push_back(worker::MakeImplicitFactorization(behaviour, kFactors, 10, 10, 10));
  for (const auto& baseline : baselines) {
    add(baseline->name(), InParallel<std::vector<int>>(users.size(), [&] {
          std::vector<float> scores(static_cast<size_t>(behaviour.n_items()));
          return [&behaviour, &users, &command, &baseline, scores](size_t i) mutable {
            return worker::BestUnseen(behaviour, *baseline, users[i], command.options.k, command.options.exclude_seen, scores);
          };
        }));
  }
  std::vector<std::vector<int>> own;
  for (const std::vector<Recommended>& list : Lists(recommender, users)) {
    std::vector<int>& items = own.emplace_back();
    for (const Recommended& one : list) items.push_back(one.item);
  }
  add(model_name, own);
  return table;
}

}  // namespace

std::shared_ptr<const worker::FrozenModel> LoadFrozen(const std::string& path, const std::vector<std::string>& overrides) {
  for (const std::string& text : overrides) {
    if (!text.starts_with("data."))
      Fail("--set ", text, ": recommend takes the model as it was trained, expected a field of data");
  }
  const SavedChain saved = LoadSaved(worker::FindModel(path), overrides);
  const Manifest& manifest = saved.back().manifest;
  auto model = std::make_shared<worker::FrozenModel>(manifest);
  std::vector<ps::Table> tables = ps::EmptyTables(manifest.job());
  ps::LoadRows(saved, ps::CarryAll(tables.size()), {1, 1}, 0, &tables, [] {}, Beside::kThread);
  std::vector<float> weights;
  for (ps::Table& table : tables) {
    weights.resize(static_cast<size_t>(table.dim()));
    for (int shard = 0; shard < kNumShards; ++shard) {
      table.VisitShard(shard, [&](Key key, std::span<const std::byte> row) {
        // ReadWeights only reads; it takes the addresses that Find gives.
        std::byte* const address = const_cast<std::byte*>(row.data());
        table.ReadWeights(std::span(&address, 1), FP32, weights.data());
        model->AddRow(table.spec().id, key, weights);
      });
    }
  }
  return model;
}

void RunRecommend(const RecommendCommand& command) {
  if (!command.output.empty()) CheckOutputFile(command.output, command.overwrite);
  const auto model = LoadFrozen(command.checkpoint, command.overrides);
  const auto ranker = command.ranker.empty() ? nullptr : LoadFrozen(command.ranker, {});
  if (!model->job().data().has_behaviour())
    Fail(command.checkpoint, ": the model's job has no data.behaviour, expected one that names users and items");
  const auto behaviour = Behaviour::Read(model->job());
  const Recommender recommender(model, ranker, behaviour, command.options);
  std::string text;
  if (command.measure) {
    text = Measure(recommender, command, model->job().name());
  } else {
    const std::vector<int> users = UsersOf(command.users, *behaviour);
    const std::vector<std::vector<Recommended>> lists = Lists(recommender, users);
    if (command.format == "tsv") text = "user\trank\titem\tscore\tbecause\n";
    for (size_t i = 0; i < users.size(); ++i)
      text += command.format == "tsv" ? TsvLines(*behaviour, users[i], lists[i]) : ListJson(*behaviour, users[i], lists[i]).dump() + "\n";
  }
  if (command.output.empty()) {
    command.print(text);
  } else {
    ReplaceFile(command.output, text);
  }
}

}  // namespace zhiyin::launch
