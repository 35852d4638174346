#include "worker/model/sequence/sequence_reader.h"

#include <glog/logging.h>

#include <set>

#include "common/config/kinds.h"
#include "worker/model/sequence/sequence_readers.h"

namespace zhiyin::worker::model {
namespace {

const SequenceReaderKind* ChosenReader(const SequenceReader& config) {
  return config::FindKind(SequenceReaders(), config::ChosenName(config, "kind"));
}

/// Checks one reader and adds its field to *read.
void CheckReader(const ModelChecker& check, const config::ConfigPath& path,
                 const SequenceReader& reader, std::set<std::string>* read) {
  const Field& sequence = check.FieldNamed(path("field"), reader.field());
  if (sequence.sequence_length() == 0) {
    check.Fail(path("field"), "field \"", reader.field(),
               "\" is no sequence, expected one with a sequence_length");
  }
  if (!read->insert(reader.field()).second)
    check.Fail(path("field"), "\"", reader.field(), "\" is read by an earlier one");
  check.CheckNotWide(path("field"), reader.field());
  const SequenceReaderKind* kind = ChosenReader(reader);
  if (kind == nullptr) {
    check.Fail(path, "has no kind, expected ",
               config::Listed(config::KindNames(SequenceReaders()), "or"));
  }
  if (kind->check != nullptr) kind->check(check, path(kind->name), reader, sequence);
}

}  // namespace

std::span<const SequenceReaderKind* const> SequenceReaders() {
#define ZHIYIN_ADDRESS(Name) &k##Name,
  static constexpr const SequenceReaderKind* kKinds[] = {ZHIYIN_SEQUENCE_READERS(ZHIYIN_ADDRESS)};
#undef ZHIYIN_ADDRESS
  return kKinds;
}

std::unique_ptr<nn::ColumnLayer> MakeSequenceReader(const SequenceReader& config,
                                                    const InputLayout& layout, int64_t* n_weights) {
  const SequenceReaderKind* kind = ChosenReader(config);
  CHECK(kind != nullptr) << "a sequence reader without a kind passed the checks";
  return kind->make(config, layout.FieldNamed(config.field()), layout, n_weights);
}

void CheckSequences(const ModelChecker& check) {
  const Job& job = check.job();
  std::set<std::string> read;
  for (int i = 0; i < job.model().sequence_size(); ++i)
    CheckReader(check, check.model_path()("sequence", i), job.model().sequence(i), &read);
  for (int i = 0; i < job.field_size(); ++i) {
    if (job.field(i).sequence_length() > 0 && read.count(job.field(i).name()) == 0) {
      check.Fail(
          check.root()("field", i)("sequence_length"),
          "is given, but nothing reads the sequence, expected a model.sequence with this field");
    }
  }
}

void CheckQuery(const ModelChecker& check, const config::ConfigPath& path, const std::string& name,
                const Field& sequence) {
  if (name.empty()) {
    check.Fail(path, "is missing, expected the field whose interest in the values is asked for");
  }
  const Field& query = check.FieldNamed(path, name);
  if (query.sequence_length() > 0)
    check.Fail(path, "field \"", name, "\" is a sequence itself, expected one that is not");
  check.CheckNotWide(path, name);
  if (check.DimOf(query) != check.DimOf(sequence)) {
    check.Fail(path, "field \"", name, "\" has dim ", check.DimOf(query),
               ", expected that of the sequence \"", sequence.name(), "\", ",
               check.DimOf(sequence));
  }
}

}  // namespace zhiyin::worker::model
