#include "launch/apps/export/export.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <unordered_map>
#include <unordered_set>

#include "common/error.h"
#include "common/file.h"
#include "launch/apps/export/npz_file.h"
#include "launch/apps/export/onnx_file.h"
#include "launch/job/load_frozen.h"
#include "launch/rank/output_folder.h"
#include "worker/data/source.h"
#include "worker/recommend/pair_rows.h"
#include "worker/saved/scoring_graph.h"

namespace zhiyin::launch::apps {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using worker::data::Behaviour;
using worker::saved::FrozenModel;

constexpr int kFormatVersion = 1;
constexpr int64_t kMaxJsonBytes = int64_t{1} << 26;

/// The categories of a field that have a row, in the order in which the data names them.
struct Vocabulary {
  std::vector<std::string> ids;
  std::vector<Key> keys;
  std::unordered_set<Key> known;
};

/// For every field of the job, the values that its training files and joins name.
std::vector<Vocabulary> ReadVocabularies(const FrozenModel& model,
                                         const std::vector<TableId>& tables,
                                         std::shared_ptr<const Behaviour> behaviour) {
  std::vector<Vocabulary> fields(tables.size());
  const auto observe = [&](int field, std::string_view value, Key key) {
    Vocabulary& own = fields[static_cast<size_t>(field)];
    if (own.known.contains(key) || model.Find(tables[static_cast<size_t>(field)], key) == nullptr)
      return;
    own.known.insert(key);
    own.keys.push_back(key);
    own.ids.emplace_back(value);
  };
  const auto source = worker::data::MakeSource(model.job(), worker::data::SplitKind::kTrain,
                                               /*labels=*/{}, observe);
  if (source->joins() != nullptr) source->joins()->LogBadLines();
  worker::data::Examples rows;
  std::vector<worker::data::BadLine> bad;
  for (int64_t block = 0; source->Read(block, &rows, &bad) > 0; ++block) {
  }
  if (behaviour) {
    // Those that only a join names.
    const worker::recommend::PairRows pairs(model.job(), behaviour, observe);
    worker::data::Examples some = pairs.NewExamples();
    for (int i = 0; i < behaviour->n_items(); ++i, some.Clear()) pairs.Append(-1, i, "", &some);
    for (int u = 0; u < behaviour->n_users(); ++u, some.Clear()) pairs.Append(u, -1, "", &some);
  }
  return fields;
}

std::vector<TableId> TablesOfFields(const Job& job) {
  std::vector<TableId> tables;
  for (const Field& field : job.field()) {
    const auto table = std::find_if(job.table().begin(), job.table().end(),
                                    [&](const Table& t) { return t.name() == field.table(); });
    tables.push_back(static_cast<TableId>(table - job.table().begin() + 1));
  }
  return tables;
}

IdVectors VectorsOf(const FrozenModel& model, TableId table, int dim,
                    const Vocabulary& vocabulary) {
  IdVectors all;
  all.dim = dim;
  all.ids = vocabulary.ids;
  for (const Key key : vocabulary.keys) {
    const float* const row = model.Find(table, key);
    all.vectors.insert(all.vectors.end(), row, row + dim);
  }
  return all;
}

IdVectors OfMatrix(std::vector<std::string> ids, const Matrix& vectors) {
  return {static_cast<int>(vectors.cols()),
          std::move(ids),
          {vectors.data(), vectors.data() + vectors.size()},
          {}};
}

/// Returns the vectors of `now` that are new or differ from `before`, and the ids that were
/// removed.
IdVectors ChangesSince(const IdVectors& before, const IdVectors& now, const std::string& path) {
  if (before.dim != now.dim)
    Fail(path, ": vectors of ", before.dim, " columns, expected ", now.dim, " as in this model");
  const size_t dim = static_cast<size_t>(now.dim);
  std::unordered_map<std::string_view, const float*> old;
  for (size_t i = 0; i < before.ids.size(); ++i)
    old.emplace(before.ids[i], before.vectors.data() + i * dim);
  IdVectors changes;
  changes.dim = now.dim;
  for (size_t i = 0; i < now.ids.size(); ++i) {
    const float* const row = now.vectors.data() + i * dim;
    const auto at = old.find(now.ids[i]);
    const bool is_same = at != old.end() && std::memcmp(at->second, row, dim * sizeof(float)) == 0;
    if (at != old.end()) old.erase(at);
    if (is_same) continue;
    changes.ids.push_back(now.ids[i]);
    changes.vectors.insert(changes.vectors.end(), row, row + dim);
  }
  for (const std::string& id : before.ids) {
    if (old.contains(id)) changes.removed.push_back(id);
  }
  return changes;
}

/// Writes one list after the other, and collects the content of export.json.
class Writer {
 public:
  explicit Writer(const ExportCommand& command) : command_(command) {}

  void Add(const std::string& folder, const std::string& name, const IdVectors& all) {
    const std::string file = folder + "/" + name;
    IdVectors changes;
    const bool is_delta = !command_.since.empty();
    if (is_delta) {
      const std::string before = command_.since + "/" + file + ".npz";
      changes = fs::exists(before) ? ChangesSince(ReadNpz(before), all, before) : all;
    }
    const IdVectors& written = is_delta ? changes : all;
    MakeFolder(command_.output + "/" + folder);
    const std::string path = file + "." + command_.format;
    command_.format == "npz" ? WriteNpz(written, command_.output + "/" + path)
                             : WriteTsv(written, command_.output + "/" + path);
    facts_.push_back({{"file", path},
                      {"name", name},
                      {"dim", all.dim},
                      {"ids", all.ids.size()},
                      {"written", written.ids.size()},
                      {"removed", written.removed.size()}});
    said_ << path << ": " << written.ids.size()
          << (is_delta ? " new or changed of " + std::to_string(all.ids.size()) : "") << " ids, "
          << all.dim << " columns";
    if (is_delta) said_ << ", " << written.removed.size() << " removed";
    said_ << '\n';
  }

  const ordered_json& facts() const { return facts_; }
  std::string said() const { return said_.str(); }

 private:
  const ExportCommand& command_;
  ordered_json facts_ = ordered_json::array();
  std::ostringstream said_;
};

/// export.json of an earlier export that is whole. Throws Error where there is none.
ordered_json FactsOf(const std::string& folder) {
  const std::string path = folder + "/export.json";
  if (!fs::exists(path))
    Fail("--since=", folder, ": no export.json there, expected the folder of an earlier export");
  const ordered_json facts =
      ordered_json::parse(ReadWholeFile(path, kMaxJsonBytes), nullptr, false);
  if (!facts.is_object() || facts.value("format_version", 0) != kFormatVersion)
    Fail(path, ": is no export that this program knows");
  if (!facts["since_step"].is_null())
    Fail("--since=", folder, ": holds changes only, expected a whole export");
  if (facts.value("vectors", "") != "npz")
    Fail("--since=", folder, ": holds tsv, expected an export of npz");
  return facts;
}

}  // namespace

void RunExport(const ExportCommand& command) {
  if (fs::exists(command.output + "/export.json") && !command.overwrite)
    Fail("--output=", command.output,
         ": holds an export, expected an empty or new folder, or --overwrite");
  ordered_json since;
  if (!command.since.empty()) {
    std::error_code ignored;
    if (fs::equivalent(command.since, command.output, ignored))
      Fail("--since=", command.since, ": is the output folder, expected another");
    since = FactsOf(command.since);
  }
  Manifest manifest;
  const auto model = job::LoadFrozen(command.checkpoint, command.overrides, &manifest);
  const Job& job = model->job();
  const std::shared_ptr<const Behaviour> behaviour =
      job.data().has_behaviour() ? Behaviour::Read(job) : nullptr;
  const std::vector<TableId> tables = TablesOfFields(job);
  const std::vector<Vocabulary> vocabularies = ReadVocabularies(*model, tables, behaviour);
  std::string onnx;
  if (command.onnx) {
    std::vector<std::vector<Key>> keys;
    for (const Vocabulary& vocabulary : vocabularies) keys.push_back(vocabulary.keys);
    try {
      onnx = OnnxBytes(ScoringGraph(*model, keys), job.name());
    } catch (const Error& error) {
      Fail("model.onnx: ", error.what(), "; --noonnx exports the vectors alone");
    }
  }
  rank::MakeOutputFolder(command.output);
  // Without it the folder holds no export, whatever happens from here on.
  if (fs::exists(command.output + "/export.json")) RemoveFile(command.output + "/export.json");
  Writer writer(command);
  for (size_t f = 0; f < vocabularies.size(); ++f) {
    const int dim = job.table(tables[f] - 1).dim();
    writer.Add("fields", job.field(static_cast<int>(f)).name(),
               VectorsOf(*model, tables[f], dim, vocabularies[f]));
  }
  if (behaviour && job.model().has_two_tower()) {
    const worker::recommend::PairRows pairs(job, behaviour);
    std::vector<std::string> users;
    std::vector<std::string> items;
    for (int u = 0; u < behaviour->n_users(); ++u) users.emplace_back(behaviour->user(u));
    for (int i = 0; i < behaviour->n_items(); ++i) items.emplace_back(behaviour->item(i));
    writer.Add("towers", "user",
               OfMatrix(std::move(users), VectorsOfUsers(*model, pairs, *behaviour)));
    writer.Add("towers", "item",
               OfMatrix(std::move(items), VectorsOfItems(*model, pairs, *behaviour).vectors));
  }
  if (command.onnx) ReplaceFile(command.output + "/model.onnx", onnx);
  ordered_json facts = {
      {"format_version", kFormatVersion},
      {"job", job.name()},
      {"epoch", manifest.epoch()},
      {"step", manifest.step()},
      {"since_step", since.is_null() ? ordered_json() : since["step"]},
      {"vectors", command.format},
      {"files", writer.facts()},
      {"onnx", command.onnx ? ordered_json("model.onnx") : ordered_json()},
      {"onnx_operator_set",
       command.onnx ? ordered_json(worker::model::nn::Graph::kOperatorSet) : ordered_json()}};
  ReplaceFile(command.output + "/export.json", facts.dump(2) + "\n");
  command.print(writer.said() + (command.onnx ? "model.onnx: operator set 13, " +
                                                    std::to_string(onnx.size()) + " bytes\n"
                                              : ""));
}

}  // namespace zhiyin::launch::apps
