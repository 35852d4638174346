#include "launch/apps/recommend/recommend.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/file.h"
#include "common/text.h"
#include "common/tsv.h"
#include "launch/apps/list_json.h"
#include "launch/apps/recommend/asked_lists.h"
#include "launch/job/load_frozen.h"
#include "launch/rank/output_folder.h"
#include "worker/model/metric/list_metrics.h"
#include "worker/recommend/measure_lists.h"

namespace zhiyin::launch::apps {
namespace {

using worker::data::Behaviour;
using worker::recommend::AskedUser;
using worker::recommend::Recommended;
using worker::recommend::Recommender;

std::string ScoreText(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.6g", value);
  return text;
}

std::vector<AskedUser> AllUsers(const Behaviour& behaviour) {
  std::vector<AskedUser> users;
  for (int u = 0; u < behaviour.n_users(); ++u)
    users.push_back({u, std::string(behaviour.user(u)), {}});
  return users;
}

std::string TsvLines(const Behaviour& behaviour, const std::string& user,
                     const std::vector<Recommended>& list) {
  std::string text;
  for (size_t r = 0; r < list.size(); ++r) {
    std::string because;
    for (const int item : list[r].because)
      because.append(because.empty() ? "" : "|").append(behaviour.item(item));
    text += TsvCell(user) + "\t" + std::to_string(r + 1) + "\t" +
            TsvCell(behaviour.item(list[r].item)) + "\t" + ScoreText(list[r].score) + "\t" +
            TsvCell(because) + "\n";
  }
  return text;
}

/// The list as text for people: the user's last items, then the recommended ones, each with the
/// items that it resembles.
std::string TextLines(const Behaviour& behaviour, const AskedUser& user,
                      const std::vector<Recommended>& list) {
  constexpr size_t kShown = 5;
  std::string text = OneLine(user.name) + ", lately:";
  std::vector<std::string> items = user.history;
  if (items.empty() && user.number >= 0) {
    for (const int item : behaviour.events(user.number)) items.emplace_back(behaviour.item(item));
  }
  for (size_t i = items.size() - std::min(items.size(), kShown); i < items.size(); ++i)
    text += " " + OneLine(items[i]);
  text += items.empty() ? " nothing\n" : "\n";
  for (size_t r = 0; r < list.size(); ++r) {
    char line[64];
    std::snprintf(line, sizeof(line), "%4zu  %10s  ", r + 1, ScoreText(list[r].score).c_str());
    text += line + OneLine(behaviour.item(list[r].item));
    for (size_t i = 0; i < list[r].because.size(); ++i)
      text += (i == 0 ? ", like " : " and ") + OneLine(behaviour.item(list[r].because[i]));
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

std::string MeasureTable(const worker::recommend::ListMeasure& measure, int k) {
  const std::string at = "@" + std::to_string(k);
  char head[256];
  std::snprintf(head, sizeof(head), "%-24s %6s  %-22s  %-22s  %-6s  %-6s  %8s  %7s\n", "lists by",
                "users", ("Recall" + at).c_str(), ("NDCG" + at).c_str(), "hits", "MRR", "coverage",
                "novelty");
  std::string table = head;
  for (const worker::recommend::MeasuredLists& row : measure.rows)
    table += TableLine(row.name, row.metrics);
  for (const std::string& line : measure.left_out) table += line + "\n";
  return table;
}

}  // namespace

void RunRecommend(const RecommendCommand& command) {
  if (!command.output.empty()) rank::CheckOutputFile(command.output, command.overwrite);
  const auto model = job::LoadFrozen(command.checkpoint, command.overrides);
  const auto ranker = command.ranker.empty() ? nullptr : job::LoadFrozen(command.ranker, {});
  if (!model->job().data().has_behaviour())
    Fail(command.checkpoint,
         ": the model's job has no data.behaviour, expected one that names users and items");
  const auto behaviour = Behaviour::Read(model->job());
  behaviour->joins()->LogBadLines();
  worker::recommend::RecommendOptions options = command.options;
  if (command.items != "all")
    options.only_items = ReadItems(command.items, model->job(), *behaviour, command.note);
  const Recommender recommender(model, ranker, behaviour, options);
  if (!recommender.about_index().empty()) command.note(recommender.about_index());
  std::string text;
  if (command.measure) {
    text =
        MeasureTable(worker::recommend::MeasureLists(recommender, model->job().name()), options.k);
  } else {
    const std::vector<AskedUser> users =
        command.users == "all" ? AllUsers(*behaviour)
                               : ReadUsers(command.users, model->job(), recommender, command.note);
    const std::vector<std::vector<Recommended>> lists =
        worker::recommend::ListsFor(recommender, users);
    if (command.format == "tsv") {
      NoteEmptyLists(users, lists, command.note);
      text = "user\trank\titem\tscore\tbecause\n";
    }
    for (size_t i = 0; i < users.size(); ++i) {
      if (command.format == "tsv") text += TsvLines(*behaviour, users[i].name, lists[i]);
      if (command.format == "jsonl")
        text += ListJson(*behaviour, users[i].name, lists[i]).dump() + "\n";
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
