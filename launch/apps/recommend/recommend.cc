#include "launch/apps/recommend/recommend.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/file.h"
#include "common/in_parallel.h"
#include "launch/apps/serve/served_model.h"
#include "launch/job/load_job.h"
#include "launch/job/load_saved.h"
#include "launch/rank/output_folder.h"
#include "ps/partitioner.h"
#include "ps/save/checkpoint.h"
#include "ps/table/table.h"
#include "worker/data/line_reader.h"
#include "worker/model/metric/list_metrics.h"
#include "worker/recommend/baselines.h"
#include "worker/saved/saved_model.h"

namespace zhiyin::launch::apps {
namespace {

using worker::data::Behaviour;
using worker::recommend::Recommended;
using worker::recommend::Recommender;

constexpr int kNeighbours = 100;
constexpr int kFactors = 32;

std::vector<std::vector<Recommended>> Lists(const Recommender& recommender,
                                            const std::vector<int>& users) {
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
  worker::data::LineReader reader(users);
  worker::data::Line line;
  while (reader.Next(&line)) {
    const int user = behaviour.FindUser(line.text);
    if (user < 0)
      Fail(users, ":", line.number, ": no user \"", line.text, "\" among the ", behaviour.n_users(),
           " users of data.train, expected one of them a line");
    numbers.push_back(user);
  }
  return numbers;
}

std::vector<int> ItemsOf(const std::string& items, const Behaviour& behaviour) {
  std::vector<int> numbers;
  worker::data::LineReader reader(items);
  worker::data::Line line;
  while (reader.Next(&line)) {
    const int item = behaviour.FindItem(line.text);
    if (item < 0)
      Fail(items, ":", line.number, ": no item \"", line.text, "\" among the ", behaviour.n_items(),
           " items of data.train and data.join, expected one of them a line");
    numbers.push_back(item);
  }
  if (numbers.empty()) Fail(items, ": is empty, expected an item a line");
  return numbers;
}

std::string ScoreText(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.6g", value);
  return text;
}

std::string TsvLines(const Behaviour& behaviour, int user, const std::vector<Recommended>& list) {
  std::string text;
  for (size_t r = 0; r < list.size(); ++r) {
    std::string because;
    for (const int item : list[r].because)
      because += (because.empty() ? "" : "|") + behaviour.item(item);
    text += behaviour.user(user) + "\t" + std::to_string(r + 1) + "\t" +
            behaviour.item(list[r].item) + "\t" + ScoreText(list[r].score) + "\t" + because + "\n";
  }
  return text;
}

/// What a person reads: what the user did last, and the list with what each of it is like.
std::string TextLines(const Behaviour& behaviour, int user, const std::vector<Recommended>& list) {
  constexpr size_t kShown = 5;
  std::string text = behaviour.user(user) + ", lately:";
  const auto events = behaviour.events(user);
  for (const Behaviour::Event& event : events.last(std::min(events.size(), kShown)))
    text += " " + behaviour.item(event.item);
  text += events.empty() ? " nothing\n" : "\n";
  for (size_t r = 0; r < list.size(); ++r) {
    char line[64];
    std::snprintf(line, sizeof(line), "%4zu  %10s  ", r + 1, ScoreText(list[r].score).c_str());
    text += line + behaviour.item(list[r].item);
    for (size_t i = 0; i < list[r].because.size(); ++i)
      text += (i == 0 ? ", like " : " and ") + behaviour.item(list[r].because[i]);
    text += "\n";
  }
  return text + "\n";
}

std::string TableLine(const std::string& name, const worker::model::metric::ListMetrics& m) {
  char text[256];
  std::snprintf(text, sizeof(text),
                "%-24s %6lld  %.4f (%.4f-%.4f)  %.4f (%.4f-%.4f)  %.4f  %.4f  %8.3f  %7.2f\n",
                name.c_str(), static_cast<long long>(m.n_users), m.recall.mean, m.recall.low,
                m.recall.high, m.ndcg.mean, m.ndcg.low, m.ndcg.high, m.hit_rate.mean, m.mrr.mean,
                m.coverage, m.novelty);
  return text;
}

std::string MeasureTable(const std::vector<MeasuredLists>& rows, int k) {
  const std::string at = "@" + std::to_string(k);
  char head[256];
  std::snprintf(head, sizeof(head), "%-24s %6s  %-22s  %-22s  %-6s  %-6s  %8s  %7s\n", "lists by",
                "users", ("Recall" + at).c_str(), ("NDCG" + at).c_str(), "hits", "MRR", "coverage",
                "novelty");
  std::string table = head;
  for (const MeasuredLists& row : rows) table += TableLine(row.name, row.metrics);
  return table;
}

}  // namespace

std::vector<MeasuredLists> MeasureLists(const Recommender& recommender,
                                        const worker::recommend::RecommendOptions& options,
                                        const std::string& model_name) {
  const Behaviour& behaviour = recommender.behaviour();
  std::vector<int> users;
  std::vector<std::vector<int>> relevant;
  for (int u = 0; u < behaviour.n_users(); ++u) {
    std::vector<bool> seen(static_cast<size_t>(behaviour.n_items()));
    if (options.exclude_seen) {
      for (const Behaviour::Event& event : behaviour.events(u))
        seen[static_cast<size_t>(event.item)] = true;
    }
    std::vector<int> own;
    for (const Behaviour::Event& event : behaviour.held_out(u)) {
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
    worker::model::metric::ListTally tally(options.k, counts);
    for (size_t i = 0; i < users.size(); ++i) tally.Add(lists[i], relevant[i]);
    rows.push_back({name, tally.Compute()});
  };
  std::vector<std::unique_ptr<worker::recommend::Baseline>> baselines;
  baselines.push_back(worker::recommend::MakeMostPopular(behaviour));
  baselines.push_back(worker::recommend::MakeItemNeighbours(behaviour, kNeighbours));
  baselines.push_back(
      worker::recommend::MakeImplicitFactorization(behaviour, kFactors, 10, 10, 10));
  if (auto content = worker::recommend::MakeContentOnly(behaviour))
    baselines.push_back(std::move(content));
  for (const auto& baseline : baselines) {
    add(baseline->name(), InParallel<std::vector<int>>(users.size(), [&] {
          std::vector<float> scores(static_cast<size_t>(behaviour.n_items()));
          return [&behaviour, &users, &options, &baseline, scores](size_t i) mutable {
            return worker::recommend::BestUnseen(behaviour, *baseline, users[i], options.k,
                                                 options.exclude_seen, scores);
          };
        }));
  }
  std::vector<std::vector<int>> own;
  for (const std::vector<Recommended>& list : Lists(recommender, users)) {
    std::vector<int>& items = own.emplace_back();
    for (const Recommended& one : list) items.push_back(one.item);
  }
  add(model_name, own);
  return rows;
}

std::shared_ptr<const worker::saved::FrozenModel> LoadFrozen(
    const std::string& path, const std::vector<std::string>& overrides, Manifest* said) {
  for (const std::string& text : overrides) {
    if (!text.starts_with("data."))
      Fail("--set ", text, ": the model is taken as it was trained, expected a field of data");
  }
  const ps::save::SavedChain saved = job::LoadSaved(worker::saved::FindModel(path), overrides);
  const Manifest& manifest = saved.back().manifest;
  if (said != nullptr) *said = manifest;
  auto model = std::make_shared<worker::saved::FrozenModel>(manifest);
  std::vector<ps::table::Table> tables = ps::table::EmptyTables(manifest.job());
  ps::save::LoadRows(
      saved, ps::save::CarryAll(tables.size()), {1, 1}, 0, &tables, [] {}, Beside::kThread);
  std::vector<float> weights;
  for (ps::table::Table& table : tables) {
    weights.resize(static_cast<size_t>(table.dim()));
    for (int shard = 0; shard < ps::kNumShards; ++shard) {
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
  if (!command.output.empty()) rank::CheckOutputFile(command.output, command.overwrite);
  const auto model = LoadFrozen(command.checkpoint, command.overrides);
  const auto ranker = command.ranker.empty() ? nullptr : LoadFrozen(command.ranker, {});
  if (!model->job().data().has_behaviour())
    Fail(command.checkpoint,
         ": the model's job has no data.behaviour, expected one that names users and items");
  const auto behaviour = Behaviour::Read(model->job());
  worker::recommend::RecommendOptions options = command.options;
  if (command.items != "all") options.only_items = ItemsOf(command.items, *behaviour);
  const Recommender recommender(model, ranker, behaviour, options);
  std::string text;
  if (command.measure) {
    text = MeasureTable(MeasureLists(recommender, options, model->job().name()), options.k);
  } else {
    const std::vector<int> users = UsersOf(command.users, *behaviour);
    const std::vector<std::vector<Recommended>> lists = Lists(recommender, users);
    if (command.format == "tsv") text = "user\trank\titem\tscore\tbecause\n";
    for (size_t i = 0; i < users.size(); ++i) {
      if (command.format == "tsv") text += TsvLines(*behaviour, users[i], lists[i]);
      if (command.format == "jsonl") text += ListJson(*behaviour, users[i], lists[i]).dump() + "\n";
      if (command.format == "text") text += TextLines(*behaviour, users[i], lists[i]);
    }
  }
  if (command.output.empty()) {
    command.print(text);
  } else {
    ReplaceFile(command.output, text);
  }
}

}  // namespace zhiyin::launch::apps
