#include "tests/support/example_jobs.h"

#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <regex>
#include <set>
#include <sstream>

#include "launch/job/load_job.h"
#include "tests/support/kind_examples.h"

namespace zhiyin::testing {
namespace {

/// A line of tests/data/kinds/network.
struct NetworkLine {
  std::string model_text;
  int dim = 0;
  bool binary = false;
  ExampleInputs inputs = ExampleInputs::kAll;
  NetworkExample expected;  // without a job
};

/// Fails the test for a word that it does not know.
NetworkLine ParseLine(const std::string& line) {
  NetworkLine parsed;
  const size_t colon = line.find(": ");
  parsed.model_text = line.substr(colon + 2);
  std::istringstream head(line.substr(0, colon));
  std::string word;
  head >> word >> parsed.dim;
  EXPECT_EQ(word, "dim") << line;
  while (head >> word) {
    if (word == "binary") {
      parsed.binary = true;
    } else if (word == "no_numerics") {
      parsed.inputs = ExampleInputs::kNoNumerics;
    } else if (word == "two_fields") {
      parsed.inputs = ExampleInputs::kTwoFields;
    } else if (word == "stops_gradients") {
      parsed.expected.stops_gradients = true;
    } else if (word == "curved") {
      parsed.expected.is_curved = true;
    } else if (word == "reads_fields") {
      parsed.expected.reads_fields = true;
    } else {
      ADD_FAILURE() << "unknown word \"" << word << "\": " << line;
    }
  }
  return parsed;
}

template <typename Message>
std::vector<Job> JobOfEveryExample(const std::string& room,
                                   const std::function<std::string(const std::string&)>& model_text,
                                   int sequence_length) {
  std::vector<Job> jobs;
  for (const std::string& kind : KindsOf(Message::descriptor())) {
    for (const std::string& text : ExamplesOf(room, kind))
      jobs.push_back(ExampleJob("shared_bottom { bottom: 5 tower: 3 } " + model_text(text), 6,
                                sequence_length));
  }
  return jobs;
}

/// Multiplies every width in the message and below.
void Widen(int factor, google::protobuf::Message* message) {
  static const std::set<std::string> widths = {"bottom", "tower", "expert", "hidden",
                                               "dim",    "width", "rank"};
  const google::protobuf::Reflection* access = message->GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  access->ListFields(*message, &fields);
  for (const google::protobuf::FieldDescriptor* field : fields) {
    const bool is_message = field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE;
    if (!is_message && !widths.contains(field->name())) continue;
    if (!field->is_repeated()) {
      if (is_message) {
        Widen(factor, access->MutableMessage(message, field));
      } else {
        access->SetInt32(message, field, factor * access->GetInt32(*message, field));
      }
      continue;
    }
    for (int i = 0; i < access->FieldSize(*message, field); ++i) {
      if (is_message) {
        Widen(factor, access->MutableRepeatedMessage(message, field, i));
      } else {
        access->SetRepeatedInt32(message, field, i,
                                 factor * access->GetRepeatedInt32(*message, field, i));
      }
    }
  }
}

/// Tasks are click, purchase, and conversion, which has a label where there is a click.
Job CounterfactualJob() {
  Job job = ExampleJob("shared_bottom { bottom: 5 }", 3, 0, true);
  const Task genre = job.task(0);
  const Task group = job.task(1);
  job.clear_task();
  for (const auto& [name, like] :
       {std::pair{"click", group}, {"purchase", genre}, {"conversion", genre}}) {
    *job.add_task() = like;
    job.mutable_task()->rbegin()->set_name(name);
  }
  *job.mutable_task(2)->mutable_sample_space() = group.label();
  job.mutable_task(2)->set_weight(0);
  Esmm* esmm = job.mutable_model()->mutable_esmm();
  esmm->add_hidden(5);
  esmm->set_ipw_weight(0.8);
  esmm->set_min_propensity(0.1);
  esmm->add_step()->set_task("click");
  Esmm::Step* purchase = esmm->add_step();
  purchase->set_task("purchase");
  purchase->set_conditional_task("conversion");
  return job;
}

}  // namespace

Job ExampleJob(const std::string& model_text, int dim, int sequence_length, bool binary,
               const std::string& train_text, ExampleInputs inputs) {
  const bool two_fields = inputs == ExampleInputs::kTwoFields;
  const bool numerics = inputs == ExampleInputs::kAll;
  const std::string rating =
      binary ? R"(label { column: "item_genre" equals: "genre1" } binary_cross_entropy {})"
             : R"(label { column: "rating" number {} } squared_error {})";
  return launch::job::ParseJob(
      R"(
      name: "example"
      data { generated_ratings { n_rows: 3000 seed: 3 } train { n_rows: 2000 } test { first_row: 2000 } }
      table { name: "users" dim: )" +
          std::to_string(dim) + R"( optimizer { adagrad { learning_rate: 0.05 } } }
      table { name: "items" dim: )" +
          std::to_string(dim) + R"( optimizer { adam { learning_rate: 0.01 } } }
      field { name: "user_group" table: "users" }
      )" + (two_fields ? "" : R"(field { name: "user_region" table: "users" })") +
          R"(
      field { name: "item_genre" table: "items" }
      )" +
          (two_fields
               ? ""
               : R"(field { name: "item_tags" table: "items" separator: "|" pooling: MEAN sequence_length: )" +
                     std::to_string(sequence_length) + " }") +
          R"(
      )" + (numerics ? R"(numeric { name: "user_age" } numeric { name: "item_quality" })" : "") +
          R"(
      task { name: "rating" )" +
          rating + R"( }
      task { name: "first_group" label { column: "user_group" equals: "group0" } binary_cross_entropy {} weight: 0.5 allow_one_class: true }
      model { )" +
          model_text +
          R"( }
      train { epochs: 2 batch_size: 48 slices: 4 seed: 5 dense_optimizer { adam { learning_rate: 0.01 } } )" +
          train_text + "}",
      "example", ".", {});
}

void PrintTo(const NetworkExample& example, std::ostream* out) {
  *out << example.job.model().ShortDebugString();
}

std::vector<NetworkExample> ExampleOfEveryModel() {
  std::vector<NetworkExample> examples;
  for (const std::string& kind : KindsOf(Model::descriptor())) {
    for (const std::string& text : ExamplesOf("network", kind)) {
      const NetworkLine line = ParseLine(text);
      const auto add = [&](const std::string& more) {
        examples.push_back(line.expected);
        examples.back().job =
            ExampleJob(line.model_text + more, line.dim, 0, line.binary, "", line.inputs);
      };
      add("");
      // Towers and experts have hidden layers, and so has what is called hidden.
      const bool has_hidden =
          std::regex_search(line.model_text, std::regex("(tower|expert|hidden): "));
      if (has_hidden && line.model_text.find(" hidden {") == std::string::npos)
        add(" hidden { dropout: 0.3 }");
    }
  }
  return examples;
}

std::vector<Job> JobOfEveryModel() {
  std::vector<Job> jobs;
  for (NetworkExample& example : ExampleOfEveryModel()) jobs.push_back(std::move(example.job));
  return jobs;
}

std::vector<Job> JobOfEveryInteraction() {
  return JobOfEveryExample<Interaction>(
      "interaction", [](const std::string& text) { return "interaction { " + text + " }"; }, 0);
}

std::vector<Job> JobOfEverySequenceReader() {
  return JobOfEveryExample<SequenceReader>(
      "sequence",
      [](const std::string& text) {
        return "sequence { field: \"item_tags\" " + text +
               " } interaction { inputs {} } interaction { fm {} } wide { fm {} }";
      },
      3);
}

std::vector<Job> JobOfEveryBalance() {
  std::vector<Job> jobs;
  for (const std::string& kind : KindsOf(Balance::descriptor())) {
    for (const std::string& text : ExamplesOf("balance", kind))
      jobs.push_back(ExampleJob("mmoe { n_experts: 2 expert: 5 tower: 3 }", 3, 0, false,
                                "balance { " + text + " }"));
  }
  return jobs;
}

std::vector<Job> JobOfEveryAuxiliaryLoss() {
  return {ExampleJob("shared_bottom { bottom: 5 tower: 3 } gates { l1: 0.4 }", 3),
          ExampleJob(
              R"(two_tower {
             user { field: "user_group" field: "user_region" numeric: "user_age" hidden: 5 }
             item { field: "item_genre" field: "item_tags" numeric: "item_quality" hidden: 5 }
             dim: 4 in_batch { weight: 0.7 } })",
              3),
          ExampleJob("aitm { hidden: 5 calibration_weight: 0.6 }", 3, 0, true),
          CounterfactualJob()};
}

Job Widened(Job job, int factor) {
  if (job.model().has_linear()) return job;
  Widen(factor, job.mutable_model());
  for (Table& table : *job.mutable_table()) table.set_dim(factor * table.dim());
  return job;
}

bool HasWideLayers(const Job& job) {
  const Model& model = job.model();
  const bool has_towers_alone = model.has_two_tower() &&
                                model.two_tower().user().hidden().empty() &&
                                model.two_tower().item().hidden().empty();
  return !model.has_linear() && !model.has_matrix_factorization() && !has_towers_alone;
}

std::string ModelName(const Job& job) {
  const google::protobuf::OneofDescriptor* kinds = Model::descriptor()->FindOneofByName("kind");
  return job.model().GetReflection()->GetOneofFieldDescriptor(job.model(), kinds)->name();
}

}  // namespace zhiyin::testing
