// A click model's file becomes predictions in any C++17 program; this header, no library, is all it takes.
//
//   const schuss::Predictor model("model");          // threads share it
//   schuss::Lines lines(model);                      // one a thread: keeps memory
//   float p = lines.prediction("0\t1\t1\t5\t...");   // a line of the format that the model was trained on
//   float q = model.prediction(model.margin({model.category(0, "a"), model.quantity(1, 3.5)}));
#pragma once
#include "predict/lines.hpp"
