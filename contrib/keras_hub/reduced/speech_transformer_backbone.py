from keras_hub.src.models.backbone import Backbone
