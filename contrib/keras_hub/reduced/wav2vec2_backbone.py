from keras_hub.src.api_export import keras_hub_export
