# `make layer` at the top of the repository first.
terraform {
  required_providers {
    aws     = { source = "hashicorp/aws", version = ">= 5.0" }
    archive = { source = "hashicorp/archive", version = ">= 2.4" }
  }
}

variable "palisade_policy" {
  description = "A policy in JSON that stands in for the function's palisade.json; empty for the file"
  type        = string
  default     = ""
}

resource "aws_lambda_layer_version" "palisade" {
  layer_name               = "palisade"
  filename                 = "${path.module}/../../dist/palisade-layer-x86_64.zip"
  source_code_hash         = filebase64sha256("${path.module}/../../dist/palisade-layer-x86_64.zip")
  compatible_architectures = ["x86_64"]
}

data "archive_file" "code" {
  type        = "zip"
  source_dir  = "${path.module}/../python"
  output_path = "${path.module}/order-desk.zip"
}

data "aws_iam_policy_document" "lambda" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "order_desk" {
  name               = "order-desk"
  assume_role_policy = data.aws_iam_policy_document.lambda.json
}

resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.order_desk.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_lambda_function" "order_desk" {
  function_name    = "order-desk"
  role             = aws_iam_role.order_desk.arn
  filename         = data.archive_file.code.output_path
  source_code_hash = data.archive_file.code.output_base64sha256
  handler          = "app.handler"
  runtime          = "python3.12"
  architectures    = ["x86_64"]
  timeout          = 10
  layers           = [aws_lambda_layer_version.palisade.arn]

  environment {
    variables = merge(
      # The one switch. The policy is palisade.json beside the code …
      { AWS_LAMBDA_EXEC_WRAPPER = "/opt/palisade-wrapper" },
      # … unless there is one here.
      var.palisade_policy == "" ? {} : { PALISADE_POLICY = var.palisade_policy },
    )
  }
}
